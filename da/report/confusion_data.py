"""Confusion matrices of the page: one for each row and task, summed over seeds."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from da.report.run_data import Rows, list_runs
from da.results.records import Point

NEEDED = (
    "No run counts which classes are confused: records of earlier versions do not, nor do those "
    "of many classes or of targets without labels."
)


def describe_confusions(rows: Rows, tasks: Sequence[str]) -> dict[str, Any] | str:
    """Return the confusion matrices at last evaluations, or a line on what they need.

    `cells` has row, task, true class, predicted class and count of images, one after another.

    Args:
        rows: Records of the rows of a table.
        tasks: Columns of the table.
    """
    counts: Counter[tuple[int, int, int, int]] = Counter()
    classes: dict[int, list[str]] = {}
    for row, task, _, record in list_runs(rows):
        found = _counts(record.curve[-1])
        for (true, predicted), count in found.items():
            counts[row, tasks.index(task), true, predicted] += count
        if found:
            classes.setdefault(tasks.index(task), _names(record.curve[-1]))
    if not counts:
        return NEEDED
    return {
        "classes": classes,
        "cells": [n for key, count in counts.items() for n in (*key, count)],
    }


def _counts(point: Point) -> dict[tuple[int, int], int]:
    pairs = ((key.split("/"), n) for key, n in point.items() if key.startswith("confusion/"))
    return {(int(true), int(predicted)): int(n) for (_, true, predicted), n in pairs}


def _names(point: Point) -> list[str]:
    """Return names of classes in their order; unknown images are one more class."""
    found = [key.partition("/")[2] for key in point if key.startswith("predicted/")]
    most = max(max(pair) for pair in _counts(point))
    return [*found, *["unknown"] * (most + 1 - len(found))]
