"""The command that writes a first file of your own, which works, and its test."""

import keyword
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from string import Template
from typing import Annotated, Literal

from tyro.conf import Positional, arg

Kind = Literal["method", "dataset", "backbone", "selector", "experiment"]

SKELETONS = Path(__file__).parent / "skeletons"
"""Folder with a file, and its test, of each kind."""

TRIES = {
    "method": "da train --task moons:0-40 --backbone mlp --init random --regime full {name}",
    "dataset": "da train --task {name}:white-gray --backbone lenet --init random --regime full "
    "--side 28 source_only",
    "backbone": "da train --task emoji:noto-twemoji --backbone {name} --init random --regime full "
    "--steps 50 dann",
    "selector": "da list selectors",
    "experiment": "da sweep {file}",
}
"""A command that uses a new file of each kind."""


def new(
    kind: Positional[Kind],
    name: Annotated[Positional[str], arg(metavar="NAME")],
    folder: Path | None = None,
) -> None:
    """Write a method, a data set, a backbone, a selector or an experiment that works, and its test.

    Args:
        kind: What to write.
        name: Its name, which is the name of the file.
        folder: Folder to write to: of plug-ins, by default `plugins`, or of experiments, by default
            `experiments`.

    Raises:
        ValueError: The name is none, or is taken.
    """
    own = folder or Path("experiments" if kind == "experiment" else "plugins")
    _check_name(kind, name)
    file = own / f"{name}.py" if kind == "experiment" else own / f"{kind}s" / f"{name}.py"
    test = own / f"test_{name}.py"
    for there in (file, test):
        if there.exists():
            raise ValueError(f"{there} is there already: take another name")
    words = {
        "name": name,
        "kind": "".join(word.title() for word in name.split("_")),
        "title": name.replace("_", " ").capitalize(),
        "file": file.as_posix(),
    }
    for path, skeleton in ((file, kind), (test, f"test_{kind}")):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (SKELETONS / f"{skeleton}.txt").read_text(encoding="utf-8")
        path.write_text(Template(text).substitute(words), encoding="utf-8")
        print(f"wrote {path}")
    print("", *_next_steps(kind, name, own, file, test), sep="\n")


def _check_name(kind: str, name: str) -> None:
    from da.config import registry

    if not name.isidentifier() or keyword.iskeyword(name) or name[0] == "_" or name.lower() != name:
        raise ValueError(f"the name of a file is in small letters, such as my_{kind}, not {name!r}")
    every = {r.word: r for r in registry.REGISTRIES}
    known = every.get("benchmark" if kind == "dataset" else kind)
    if known is not None and (name in known or name in known.reserved):
        raise ValueError(f"the {kind} {name!r} is there already; known: {', '.join(known)}")


def _next_steps(kind: str, name: str, own: Path, file: Path, test: Path) -> Iterator[str]:
    if kind != "experiment":
        yield f"export DA_PLUGINS={quote(str(own))}"
    yield f"python -m pytest {quote(str(test))}"
    yield TRIES[kind].format(name=name, file=quote(str(file)))
