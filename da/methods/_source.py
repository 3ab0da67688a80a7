"""What the file of a method says, read without importing it, and so without torch."""

import ast
import builtins
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from da.config.registry import METHODS
from da.config.source_files import assigned_names, parse_file
from da.methods._settings import Settings

BASE = "da.methods.base"
"""Module of the class that all methods are subclasses of."""

ROOTS = "da.Method", "da.methods.Method", f"{BASE}.Method"
"""Names of that class."""


class UnreadableError(Exception):
    """A file cannot be understood without importing it."""


class MethodSource:
    """A class of a method as its file says: it has the class's plain attributes and settings.

    Args:
        file: File of the class, parsed.
        node: The class.
    """

    def __init__(self, file: "_File", node: ast.ClassDef) -> None:
        self.name = file.module.rpartition(".")[2]
        self.__name__, self.__doc__ = node.name, ast.get_docstring(node)
        self.file, self.node = file, node
        if len(node.bases) > 1 or node.keywords or node.decorator_list:
            raise UnreadableError(node.name)
        self.bases = [] if file.module == BASE else [file.base(base) for base in node.bases]

    def __getattr__(self, name: str) -> Any:
        for node in reversed(self.node.body):
            if name in assigned_names(node):
                return _plain(node.value)  # type: ignore[attr-defined]
        for base in self.bases:
            return getattr(base, name)
        raise AttributeError(name)

    def overrides(self, function: str) -> bool:
        """Return whether the class, or a base class other than `Method`, defines a function."""
        if not self.bases:
            return False
        own = any(getattr(node, "name", "") == function for node in self.node.body)
        return own or any(base.overrides(function) for base in self.bases)

    @cached_property
    def Hparams(self) -> type[Settings]:
        """The class of the method's settings, made again from its source."""
        if not self.bases:
            return Settings
        names = {
            "__module__": self.file.module,
            "__qualname__": f"{self.__name__}.Hparams",
        }
        inner = [node for node in self.node.body if getattr(node, "name", "") == "Hparams"]
        if inner:
            made = self.file.execute(inner[0])
            made.__qualname__ = names["__qualname__"]
        else:
            made = dataclass(frozen=True)(type("Hparams", (self.bases[0].Hparams,), names))
        made.owner = self
        return made


def _stored(node: ast.AST) -> set[str]:
    names = [part for part in ast.walk(node) if isinstance(part, ast.Name)]
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}


def _plain(value: ast.expr | None) -> Any:
    try:
        return ast.literal_eval(value) if value else None
    except (ValueError, TypeError) as error:
        raise UnreadableError(value) from error


class _File:
    """A parsed file with classes of methods."""

    def __init__(self, file: Path, module: str) -> None:
        self.module, self.tree = module, parse_file(file)
        self.imported = dict(_imported(self.tree, module))
        self.classes = {
            node.name: node for node in self.tree.body if isinstance(node, ast.ClassDef)
        }

    def base(self, node: ast.expr) -> MethodSource:
        """Find a base class by how it is written."""
        first, _, rest = ast.unparse(node).partition(".")
        if first in self.classes and not rest:
            return MethodSource(self, self.classes[first])
        if first not in self.imported:
            raise UnreadableError(first)
        return _find_class(".".join(filter(None, [self.imported[first], rest])))

    def execute(self, inner: ast.stmt) -> Any:
        """Execute the class of some settings, with what it needs of the file and nothing more."""
        arguments = {node.arg for node in ast.walk(inner) if isinstance(node, ast.arg)}
        names = {node.id for node in ast.walk(inner) if isinstance(node, ast.Name)}
        wanted = names - _stored(inner) - arguments
        known: dict[str, Any] = {"__name__": self.module}
        for node in self.tree.body:
            if _is_light(node):
                exec(compile(ast.Module([node], []), self.module, "exec"), known)
            elif not isinstance(node, ast.FunctionDef | ast.ClassDef):
                for name in _stored(node):
                    known.pop(name, None)
        for name in wanted & {*self.classes, *self.imported} - known.keys():
            known[name] = SimpleNamespace(Hparams=self.base(ast.Name(name)).Hparams)
        if missing := wanted - known.keys() - vars(builtins).keys():
            raise UnreadableError(missing)
        exec(compile(ast.Module([inner], []), self.module, "exec"), known)
        return known["Hparams"]


def _is_light(node: ast.stmt) -> bool:
    """Return whether a statement imports something that loads no torch, or names a plain value."""
    if isinstance(node, ast.Import):
        return all(_is_light_module(alias.name) for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return not node.level and _is_light_module(node.module or "")
    if isinstance(node, ast.Assign):
        try:
            ast.literal_eval(node.value)
        except ValueError:
            return False
        return True
    return False


def _is_light_module(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names or name.startswith("da.config")


def _imported(tree: ast.Module, module: str) -> Iterator[tuple[str, str]]:
    """Yield each imported name of a file, and the full name of what it stands for."""
    package = module.split(".")[:-1]
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                full = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or full, full
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            for alias in node.names:
                yield (
                    alias.asname or alias.name,
                    ".".join(filter(None, [*above, node.module, alias.name])),
                )


def _find_class(full: str) -> MethodSource:
    """Find a class by its full name."""
    module, _, name = (ROOTS[-1] if full in ROOTS else full).rpartition(".")
    file = _file_of(module)
    if not file or name not in (found := _read_file(file, module, file.stat().st_mtime_ns)).classes:
        raise UnreadableError(full)
    return _read_class(found, name)


@lru_cache
def _read_class(file: _File, name: str) -> MethodSource:
    return MethodSource(file, file.classes[name])


@lru_cache
def _read_file(file: Path, module: str, changed: int) -> _File:
    return _File(file, module)


def _file_of(module: str) -> Path | None:
    package, _, name = module.rpartition(".")
    if package == METHODS.package:
        folders = METHODS.folder, *METHODS.user_folders()
        return next((file for f in folders if (file := f / f"{name}.py").is_file()), None)
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin else None


def read_method(name: str) -> MethodSource | None:
    """Read the file of a method; None where its class cannot be understood without importing it.

    Raises:
        ValueError: There is no such method, or its file is no Python.
    """
    plug_in = METHODS.find(name)
    file = _read_file(plug_in.file, plug_in.module, plug_in.file.stat().st_mtime_ns)
    try:
        (kind,) = [name for name, node in file.classes.items() if _names_paper(node)]
        source = _read_class(file, kind)
        texts = source.__doc__, source.family, source.paper
        complete = all(isinstance(text, str) and text for text in texts) and source.Hparams
        flags = source.blind, source.batchable, source.streams  # each plain, or an error
        return source if complete and flags else None
    except Exception:  # importing the file says what is wrong with it
        return None


def _names_paper(node: ast.ClassDef) -> bool:
    return any("paper" in assigned_names(statement) for statement in node.body)
