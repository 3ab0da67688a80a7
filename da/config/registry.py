"""Plug-ins by name: methods, data sets, backbones and selectors, a file each.

A file's name is the thing's name. A file whose name begins with an underscore is shared code. Files
are looked up in our own folder, then in folders that the environment variable `DA_PLUGINS` names,
each with subfolders `methods`, `datasets`, `backbones` and `selectors`. Last come installed
packages with an entry point `da.methods`, `da.datasets`, `da.backbones` or `da.selectors`, whose
value is a package of such files, or one module.
"""

import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import redirect_stdout
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from da.config.source_files import read_constants
from da.system.code_errors import describe_code_error, warn_once

ROOT = Path(__file__).parents[1]
"""Folder of our own package."""

FOLDERS = "DA_PLUGINS"
"""Environment variable that names folders of plug-ins of all kinds."""


class PlugIn(NamedTuple):
    """A file with a method, a data set, a backbone or a selector."""

    name: str
    file: Path
    module: str
    """Dotted name that the file is imported by."""
    own: bool = False
    """Whether it is a part of this package."""


class Registry(Mapping):  # no types in brackets: a check of these would import the files
    """Plug-ins of one kind by name. A file is imported when its name is looked up, not before.

    Args:
        kind: The kind in the plural, as folders and entry points are called.
        word: What one is called in messages.
        package: Our own package of them.
        get: Function from an imported file to what the name stands for. It raises ValueError for a
            file that lacks it.
        reserved: Names that no plug-in may have, such as those of other files in our folder.
        variable: A second environment variable, which names folders of plug-ins of this kind alone.
    """

    def __init__(
        self,
        kind: str,
        word: str,
        package: str,
        get: Callable[[ModuleType], Any],
        reserved: tuple[str, ...] = (),
        variable: str = "",
    ) -> None:
        self.kind, self.word, self.package, self.get_thing = kind, word, package, get
        self.reserved, self.variable = ("__init__", *reserved), variable
        self.folder = ROOT.joinpath(*package.split(".")[1:])

    def __iter__(self) -> Iterator[str]:
        return iter(self.plug_ins())

    def __len__(self) -> int:
        return len(self.plug_ins())

    def __contains__(self, name: object) -> bool:
        return name in self.plug_ins()

    __eq__, __hash__ = object.__eq__, object.__hash__  # Mapping's would import all files

    def __getitem__(self, name: str) -> Any:
        """Import the file of a name and return what it holds.

        Raises:
            ValueError: There is no such file, it fails, or it lacks what it has to hold.
        """
        plug_in = self.find(name)
        self.extend_package(import_module(self.package).__path__)
        try:
            with redirect_stdout(sys.stderr):
                module = import_module(plug_in.module)
        except (Exception, SystemExit) as error:
            raise ValueError(describe_code_error(plug_in.file, error)) from error
        try:
            return self.get_thing(module)
        except ValueError as error:
            raise ValueError(f"{plug_in.file} {error}") from error

    def load(self, needed: Collection[str] = ()) -> dict[str, Any]:
        """Import all files; one of the user's that fails is left out, with a line on stderr.

        Raises:
            ValueError: A needed one fails.
        """
        found = {}
        for name, plug_in in self.plug_ins().items():
            try:
                found[name] = self[name]
            except ValueError as error:
                if plug_in.own or name in needed:
                    raise
                warn_once(f"{self.word} {name} left out: {error}")
        return found

    def plug_ins(self) -> Mapping[str, PlugIn]:
        """Return all plug-ins by name, ours first.

        Raises:
            ValueError: A folder is not there, or two files have one name.
        """
        return _scan(self, os.environ.get(FOLDERS, ""), os.environ.get(self.variable, ""))

    def find(self, name: str) -> PlugIn:
        """Return the plug-in of a name.

        Raises:
            ValueError: There is none; the message names the known ones.
        """
        if name not in self:
            raise ValueError(f"unknown {self.word} {name!r}, known: {', '.join(self)}")
        return self.plug_ins()[name]

    def constants(self, name: str) -> Mapping[str, Any]:
        """Return the plain values that a file's upper-case names have, without importing it.

        `__doc__` is the file's docstring.
        """
        file = self.find(name).file
        return read_constants(file, file.stat().st_mtime_ns)

    def user_folders(self) -> list[Path]:
        """Return the folders of the user's own plug-ins of this kind that are there, each once."""
        named = [folder / self.kind for folder in _listed(FOLDERS)]
        there = [f for f in [*named, *_listed(self.variable)] if f.is_dir()]
        return list({f.resolve(): f for f in there[::-1]}.values())[::-1]

    def extend_package(self, path: Any) -> None:
        """Let our package's `__path__` find the user's own files, in every process, by name."""
        path += [str(f.resolve()) for f in self.user_folders() if str(f.resolve()) not in path]


def _listed(variable: str) -> list[Path]:
    named = filter(None, os.environ.get(variable, "").split(os.pathsep)) if variable else ()
    return [Path(folder).expanduser() for folder in named]


@lru_cache
def _scan(registry: Registry, general: str, special: str) -> Mapping[str, PlugIn]:
    """Find all plug-ins of a kind; both texts are the environment that this depends on."""
    for variable in filter(None, (FOLDERS, registry.variable)):
        for folder in _listed(variable):
            if not folder.is_dir():
                raise ValueError(f"no folder {folder}, which {variable} names")
    found: dict[str, PlugIn] = {}
    taken = {file.stem: file for file in registry.folder.glob("*.py")}
    for name in sorted(taken.keys() - {*registry.reserved}):
        if name[0] != "_":
            found[name] = PlugIn(name, taken[name], f"{registry.package}.{name}", own=True)
    taken |= dict.fromkeys(registry.reserved, registry.folder)
    for folder in registry.user_folders():
        for file in sorted({*folder.glob("[!.]*.py")} - {folder / "__init__.py"}):
            if file.stem in taken:
                raise _twice(registry, file, file.stem, found)
            taken[file.stem] = file
            if file.stem[0] != "_":
                module = f"{registry.package}.{file.stem}"
                found[file.stem] = PlugIn(file.stem, file.resolve(), module)
    for plug_in in _installed(registry.kind):
        if plug_in.name in taken or plug_in.name in found:
            raise _twice(registry, plug_in.file, plug_in.name, found)
        found[plug_in.name] = plug_in
    return found


def _twice(registry: Registry, file: Path, name: str, found: Mapping[str, PlugIn]) -> ValueError:
    known = ", ".join(found)
    return ValueError(
        f"{file}: the {registry.word} name {name} is taken, rename it; known: {known}"
    )


def _installed(kind: str) -> Iterator[PlugIn]:
    """Yield the plug-ins of installed packages."""
    from importlib.metadata import entry_points  # takes longer than all else here

    for point in entry_points(group=f"da.{kind}"):
        try:
            spec = find_spec(point.value)
        except ImportError:
            spec = None
        if not spec or not (spec.origin or spec.submodule_search_locations):
            raise ValueError(f"no module {point.value}, which the entry point da.{kind} names")
        if not spec.submodule_search_locations:
            yield PlugIn(point.value.rpartition(".")[2], Path(str(spec.origin)), point.value)
        for folder in map(Path, spec.submodule_search_locations or ()):
            for file in sorted(folder.glob("[!_]*.py")):
                yield PlugIn(file.stem, file, f"{point.value}.{file.stem}")


def _with_function(how: str, *more: str) -> Callable[[ModuleType], ModuleType]:
    """Return a check that a module has a function, which is called as in `score(predictions)`."""
    return partial(_require_function, how, more)


def _require_function(how: str, more: tuple[str, ...], module: ModuleType) -> ModuleType:
    function: Any = getattr(module, how.partition("(")[0], None)
    try:
        signature(function).bind("", *more)
    except TypeError as error:
        raise ValueError(f"has no function {how}") from error
    return module


def _score_function(module: ModuleType) -> Callable[..., Any]:
    """Return the function of a file of a selector: `score_pool` where it needs several runs."""
    pooled = "runs" in getattr(module, "NEEDS", ())
    how = "score_pool(pool) -> list[float]" if pooled else "score(predictions) -> float"
    found: Callable[..., Any] = getattr(
        _with_function(how)(module), "score_pool" if pooled else "score"
    )
    return found


def _backbone_module(module: ModuleType) -> ModuleType:
    """Return a file of backbones; one whose `SYNTAX` has a colon also takes a name."""
    with_name = ":" in getattr(module, "SYNTAX", "")
    how = "build(pretrained, name)" if with_name else "build(pretrained)"
    return _with_function(f"{how} -> Backbone", *[""] * with_name)(module)


def _method_class(module: ModuleType) -> type:
    """Return the class of a file of a method: the one that names its paper."""
    own = [v for v in vars(module).values() if getattr(v, "__module__", "") == module.__name__]
    kinds = [kind for kind in own if isinstance(kind, type) and hasattr(kind, "Hparams")]
    found = [kind for kind in kinds if "paper" in vars(kind)]
    if not found:
        raise ValueError("has no method: a subclass of Method that names its paper")
    kind, *more = found
    if more:
        raise ValueError(f"has two methods, {kind.__name__} and {more[0].__name__}: make it two")
    family = getattr(kind, "family", "")
    for what, there in (
        ("docstring", kind.__doc__),
        ("family", family),
        ("paper", vars(kind)["paper"]),
    ):
        if not there or not isinstance(there, str):
            raise ValueError(f"gives {kind.__name__} no {what}, which is text")
    return kind


METHODS = Registry(
    "methods", "method", "da.methods", _method_class, reserved=("base",), variable="DA_METHODS"
)
"""Classes of all methods."""

DATASETS = Registry(
    "datasets", "benchmark", "da.data.datasets", _with_function("open_domain(name) -> Domain")
)
"""Modules of all data sets."""

BACKBONES = Registry("backbones", "backbone", "da.models.backbones", _backbone_module)
"""Modules of all backbones that are no network of a library."""

SELECTORS = Registry(
    "selectors",
    "selector",
    "da.evaluation.selectors",
    _score_function,
    reserved=("last", "few_shot", "oracle", "step", "target_accuracy"),
)
"""Functions of all selectors, from predictions to a score; higher is better.

Those that need several runs are from predictions of each to a score of each.
"""

REGISTRIES = METHODS, DATASETS, BACKBONES, SELECTORS
"""All kinds of plug-ins."""
