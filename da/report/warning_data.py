"""Warnings of the page: signs of trouble in the evaluations of runs, and their likely causes."""

from collections.abc import Iterator
from typing import Any

from da.report.run_data import Rows, list_runs
from da.results.health import find_symptoms
from da.results.records import Record


def describe_warnings(rows: Rows) -> dict[str, Any]:
    """Return the warnings of all runs as columns; `lasts` says whether the end gives it too.

    A run that is in several columns counts once.

    Args:
        rows: Records of the rows of a table.
    """
    found: dict[str, list[Any]] = {key: [] for key in ("run", "warning", "cause", "at", "lasts")}
    first = {record.id: (run, record) for run, record in _backwards(rows)}
    for run, record in sorted(first.values(), key=lambda pair: pair[0]):
        for sign in find_symptoms(record.curve, record.settings):
            found["run"].append(run)
            found["warning"].append(sign.warning)
            found["cause"].append(sign.cause)
            found["at"].append([int(step) for step in sign.steps])
            found["lasts"].append(sign.steps[-1] == record.curve[-1]["step"])
    return found | {"diagnosed": sum(map(_is_diagnosed, (r for _, r in first.values())))}


def _backwards(rows: Rows) -> Iterator[tuple[int, Record]]:
    """Yield place and record of each run, last to first, since a run may be in several columns."""
    return ((run, record) for run, (*_, record) in reversed([*enumerate(list_runs(rows))]))


def _is_diagnosed(record: Record) -> bool:
    return any(key.startswith("predicted/") for key in record.curve[-1])
