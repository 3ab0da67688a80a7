"""Settings and environments of the page: what all runs share, and in what they differ."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from da.report.run_data import Rows
from da.results.aggregate import ROW
from da.results.records import Record

PLACES = "task", "seed", ROW
"""Settings that are columns or names of a table, and no settings of a row."""


def describe_settings(rows: Rows) -> dict[str, Any]:
    """Return settings that all runs share, and those of each row that not all share.

    A setting that varies within a row is listed with its values.

    Args:
        rows: Records of the rows of a table.
    """
    each = [[r for by_seed in runs.values() for r in by_seed.values()] for runs in rows.values()]
    every = [r for part in each for r in part]
    names = dict.fromkeys(name for r in every for name in r.settings if name not in PLACES)
    shared = {name: values[0] for name in names if len(values := _values(every, name)) == 1}
    shared = {name: value for name, value in shared.items() if value is not MISSING}
    own = [
        {name: _join(part, name) for name in names if name not in shared and _has(part, name)}
        for part in each
    ]
    return {"shared": {name: _text(value) for name, value in shared.items()}, "rows": own}


MISSING = object()


def _values(records: Iterable[Record], name: str) -> list[Any]:
    """Return the different values of a setting; most runs have that of the run before them."""
    found: dict[str, Any] = {}
    last: Any = None
    for record in records:
        value = record.settings.get(name, MISSING)
        if not found or type(value) is not type(last) or value != last:
            found[repr(value)] = last = value
    return list(found.values())


def _has(records: Sequence[Record], name: str) -> bool:
    return any(name in r.settings for r in records)


def _join(records: Sequence[Record], name: str) -> str:
    found = [_text(value) for value in _values(records, name) if value is not MISSING]
    return ", ".join(found[:MOST]) + f" and {len(found) - MOST} more" * (len(found) > MOST)


MOST = 4
"""Values of a setting within a row that are listed."""


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value) or "none"


def describe_environments(records: Sequence[Record]) -> dict[str, Any]:
    """Return the machines and versions that runs were made with, the most frequent first.

    Args:
        records: Records of the runs.
    """
    counts = Counter(tuple(sorted(r.environment.items())) for r in records)
    found = [(dict(each), count) for each, count in counts.most_common()]
    heads = list(dict.fromkeys(key for each, _ in found for key in each))
    return {
        "heads": heads,
        "rows": [[each.get(head, "") for head in heads] for each, _ in found],
        "runs": [count for _, count in found],
        "seconds": sum(r.seconds for r in records),
    }
