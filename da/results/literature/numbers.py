"""Read the numbers printed in papers. Does not import torch."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
FILES = tuple(sorted({file.stem for file in FOLDER.glob("*.csv")} - {"sources"}))
"""Files of numbers next to this module; README.md there explains the columns."""


@dataclass(frozen=True)
class Row:
    """A printed number, and where it was printed."""

    benchmark: str
    """Data set, and the setting where it has several."""
    source: str
    target: str
    method: str
    backbone: str
    metric: str
    value: float
    """Printed number, a percentage if `metric` says accuracy."""
    std: float | None
    paper: str
    year: int | None
    where: str
    seen: bool
    """Whether the number was read in the source itself, not taken from hearsay."""


@cache
def rows(file: str) -> tuple[Row, ...]:
    """Read all printed numbers of a file.

    Raises:
        ValueError: There is no such file; the error names those that exist.
    """
    if file not in FILES:
        raise ValueError(f"no published numbers {file!r}, known: {', '.join(FILES)}")
    return tuple(row for line in _read(file) for row in _split(line))


def _read(file: str) -> list[dict[str, str]]:
    with (FOLDER / f"{file}.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@cache
def _sources() -> dict[str, dict[str, str]]:
    return {line["id"]: line for line in _read("sources")}


def list_papers() -> list[str]:
    """List the papers with numbers, each once."""
    return list(dict.fromkeys(source["paper"] for source in _sources().values()))


def _split(line: dict[str, str]) -> Iterator[Row]:
    """Yield the numbers of a line, each written `SOURCE>TARGET VALUE` or `... VALUE±STD`."""
    source = _sources()[line["source"]]
    about = {key: line[key] for key in ("benchmark", "method", "backbone", "metric")}
    about |= {key: source[key] for key in ("paper", "where")}
    for number in line["numbers"].split("; "):
        domains, _, printed = number.rpartition(" ")
        a, _, b = domains.partition(">")
        value, _, std = printed.partition("±")
        yield Row(
            **about,
            source=a,
            target=b,
            value=float(value),
            std=float(std) if std else None,
            year=int(source["year"]) if source["year"] else None,
            seen=source["seen"] == "yes",
        )
