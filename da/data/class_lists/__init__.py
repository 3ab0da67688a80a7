"""Class names and published numbers of images of data sets, a CSV file each; loads no torch.

A file has a line for each class, in alphabetical order without regard to case or marks, as most
lists of files number them; that of domainnet40 has the order of its published lists. A column
named by a domain, or by domain and split, has its numbers of images. Columns `label_...` have the
numbers that other lists in circulation give to classes. `imagenet_caltech` has the shared classes.
"""

import csv
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from da.config.validation import plain_name


@cache
def class_names(name: str) -> tuple[str, ...]:
    """Return the names of a data set's classes, in the order of its file."""
    return tuple(line["class"] for line in read_lines(name))


def published_counts(name: str, column: str) -> dict[str, int]:
    """Return the published number of images of each class; none where it is not known."""
    lines = read_lines(name)
    return {line["class"]: int(line[column]) for line in lines} if column in lines[0] else {}


def class_orders(name: str) -> dict[str, tuple[str, ...]]:
    """Return the orders of a data set's classes that are in circulation, each by its name.

    `letters` disregards case and marks, `bytes` puts upper case first, as Python's `sorted` does,
    and others are those of published lists.
    """
    lines, names = read_lines(name), class_names(name)
    listed = {
        column.removeprefix("label_"): tuple(
            line["class"] for line in sorted(lines, key=lambda line: int(line[column]))
        )
        for column in lines[0]
        if column.startswith("label_")
    }
    return {"letters": sort_by_letters(names), "bytes": tuple(sorted(names)), **listed}


def sort_by_letters(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names by their letters and digits, without regard to case and other marks."""
    return tuple(sorted(names, key=plain_name))


@cache
def read_lines(name: str) -> tuple[dict[str, str], ...]:
    """Return the lines of a data set's file, each with its columns."""
    with (Path(__file__).parent / f"{name}.csv").open(newline="") as file:
        return tuple(csv.DictReader(file))
