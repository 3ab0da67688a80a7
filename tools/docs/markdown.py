"""Pieces of Markdown: tables, links to papers, and help of settings."""

import ast
import inspect
import re
import textwrap
from collections.abc import Container, Iterable, Sequence
from dataclasses import MISSING, Field, fields
from itertools import pairwise
from typing import Any, Literal, get_args, get_origin

from da.config.limits import Limit
from da.config.ranges import Choice, LogUniform, find_range

NOTE = "<!-- Made by `make docs` from the code: change the code, not this page. -->"
"""First line of a page that is made as a whole."""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Container[int] = ()) -> str:
    """Render a table.

    Args:
        heads: Heads of the columns.
        rows: Cells of each row.
        numbers: Positions of columns of numbers, which are aligned to the right.
    """
    sides = ["---:" if i in numbers else "---" for i in range(len(heads))]
    lines = [heads, sides, *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def link_papers(paper: str) -> str:
    """Link the arXiv numbers in the name of a paper."""
    return re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[\g<0>](https://arxiv.org/abs/\1)", paper)


def describe_settings(kind: type, skip: Iterable[str] = ()) -> str:
    """Render a table of the fields of a dataclass: default, possible values and help.

    Args:
        kind: Dataclass of settings.
        skip: Names of fields to leave out.
    """
    helps = field_helps(kind)
    rows = [
        (f"`{f.name}`", _default(f), _values(f), _linked(helps.get(f.name, "")))
        for f in fields(kind)
        if f.name not in set(skip)
    ]
    return table(("setting", "default", "values", "what it is"), rows)


def field_helps(kind: type) -> dict[str, str]:
    """Return the docstring below each field of a dataclass, including those that it inherits."""
    helps: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        except (OSError, TypeError):  # a class without source, such as object
            continue
        for statement, after in pairwise(tree.body[0].body):  # type: ignore[attr-defined]
            text = getattr(getattr(after, "value", None), "value", None)
            if isinstance(statement, ast.AnnAssign) and isinstance(text, str):
                helps[statement.target.id] = inspect.cleandoc(text)  # type: ignore[union-attr]
    return helps


def _linked(help_text: str) -> str:
    """Put values that begin a line, as in `sgd: with momentum`, on lines of their own."""
    lines = help_text.splitlines()
    marked = [re.sub(r"^([a-z_0-9]+): ", r"<br>`\1`: ", line) for line in lines]
    return " ".join(marked)


def _default(field: Field) -> str:
    if field.default is MISSING:
        return "required" if field.default_factory is MISSING else ""
    return f"`{field.default!r}`".replace("'", '"') if field.default != () else "none"


def _values(field: Field) -> str:
    """Say which values a field can have, and which of them `da tune` searches."""
    notes = [n for n in getattr(field.type, "__metadata__", ()) if isinstance(n, Limit)]
    known = [note.known.removesuffix(" and finite") for note in notes] or [_known(field.type)]
    searched = find_range(field)
    return ";<br>".join(filter(None, [*known, f"tune: {_range(searched)}" if searched else ""]))


def _known(kind: Any) -> str:
    kind = get_args(kind)[0] if hasattr(kind, "__metadata__") else kind
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    if kind is bool:
        return "`True`, `False`"
    return {int: "a whole number", float: "a number", str: ""}.get(kind, "")


def _range(searched: Any) -> str:
    if isinstance(searched, Choice):
        return ", ".join(map(str, searched.values))
    ends = f"{searched.low:g} to {searched.high:g}"
    return f"{ends}, log" if isinstance(searched, LogUniform) else ends


def paragraphs(doc: str | None) -> list[str]:
    """Split a docstring into paragraphs, each on one line."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", inspect.cleandoc(doc or ""))]
