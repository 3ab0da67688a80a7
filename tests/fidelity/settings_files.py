"""Settings in files, as the library has them with which scripts of 2021 read theirs."""

import ast
from typing import Any


class Node(dict[str, Any]):
    """Groups of settings by name, whose values are read as attributes."""

    def __getattr__(self, name: str) -> Any:
        if name not in self:
            raise AttributeError(name)
        return self[name]

    __setattr__ = dict.__setitem__

    def clone(self) -> "Node":
        return Node({k: v.clone() if isinstance(v, Node) else v for k, v in self.items()})

    def freeze(self) -> None:
        """Do nothing: no script changes its settings afterwards."""

    @staticmethod
    def load_cfg(file: Any) -> dict[str, Any]:
        import yaml

        return yaml.safe_load(file)

    def merge_from_other_cfg(self, other: dict[str, Any]) -> None:
        for name, value in other.items():
            if isinstance(value, dict):
                self[name].merge_from_other_cfg(value)
            else:
                self[name] = _decoded(value)

    def merge_from_list(self, words: list[str]) -> None:
        for name, value in zip(words[::2], words[1::2], strict=True):
            group, _, last = name.rpartition(".")
            (self[group] if group else self)[last] = _decoded(value)


def _decoded(value: Any) -> Any:
    """Return the number or the list that a text stands for."""
    try:
        return ast.literal_eval(value) if isinstance(value, str) else value
    except (SyntaxError, ValueError):
        return value
