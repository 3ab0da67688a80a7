"""Python code for the best runs of a search, to paste into an experiment file."""

import json
from collections.abc import Sequence
from dataclasses import fields

from da.runs.run import PARTS, Run

WIDTH = 100
"""Largest number of characters in a line of code."""


def render_python(runs: Sequence[Run], says: str) -> str:
    """Render a Python function `tuned` that returns any of `runs`, with its import.

    The arguments of `tuned` are the task, the seed, and every other setting that differs among the
    runs. All runs have the same method.

    Args:
        runs: Runs of one method.
        says: Docstring of the function `tuned`.
    """
    kind = runs[0].method.owner
    varied = {"task": "str", "seed": "int"}
    own = _arguments(runs, varied)
    parts = {
        name: found
        for name in PARTS
        if (found := _arguments([getattr(run, name) for run in runs], varied))
    }
    method = _call(f"da.methods.{kind.__name__}", _arguments([r.method for r in runs], varied), 8)
    for name, found in parts.items():
        own.append(f"{name}={_call(f'da.{PARTS[name].__name__}', found, 8)}")
    parameters = ", ".join(f"{name}: {type_}" for name, type_ in varied.items())
    return "\n".join(
        [
            "import da",
            "",
            "",
            f"def tuned({parameters}) -> da.Run:",
            f'    """{says}"""',
            f"    return {_call('da.Run', [method, 'task', 'seed=seed', *own], 4)}",
        ]
    )


def _arguments(parts: Sequence[object], varied: dict[str, str]) -> list[str]:
    """List the keyword arguments that differ from a dataclass's defaults.

    Settings that differ among `parts` are also added to `varied`, with the names of their types.
    """
    found = []
    for f in fields(parts[0]):  # type: ignore[arg-type]
        first, *rest = (getattr(part, f.name) for part in parts)
        if f.name in ("method", "task", "seed", *PARTS):
            continue
        if any(other != first for other in rest):
            varied[f.name] = type(first).__name__
            found.append(f"{f.name}={f.name}")
        elif first != f.default:
            found.append(f"{f.name}={json.dumps(first) if isinstance(first, str) else repr(first)}")
    return found


def _call(name: str, arguments: Sequence[str], indent: int) -> str:
    """Render a call on one line if it fits, otherwise with one argument per line."""
    line = f"{name}({', '.join(arguments)})"
    if "\n" not in line and len(line) + indent + len("network=,") <= WIDTH:
        return line
    inner = "\n".join(f"{' ' * (indent + 4)}{argument}," for argument in arguments)
    return f"{name}(\n{inner}\n{' ' * indent})"
