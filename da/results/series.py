"""Records along a setting: what `gather` makes one row of, for every value of it. No torch."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from da.results.aggregate import Runs
from da.results.records import Record

ALL = math.inf
"""Value of a setting that stands for all there is: 0 features, or a task without `+Klabel`."""

_LABELS = re.compile(r"\+(\d+)label$")


def add_setting_to_seed(records: Sequence[Record], setting: str) -> list[Record]:
    """Records whose value of `setting` has become part of the seed, as (value, seed).

    So `gather` puts runs that differ in nothing else into one row. The setting is a number, named
    as in a row's label; `labels` is the K of tasks that end in `+Klabel`. A record without it
    stands at every value, and a run that pruned ones begin with in their rows, at sparsity 0.
    Raises ValueError, naming those that vary, for a setting that does not.
    """
    records = _with_parents(records) if setting == "sparsity" else records
    numbers = _numbers(records)
    key = setting if setting in numbers else f"hp.{setting}"
    if records and key not in numbers:
        known = ", ".join(name.removeprefix("hp.") for name in numbers) or "none"
        raise ValueError(f"{setting!r} is no number that varies among these runs, known: {known}")
    values = numbers.get(key, [])
    every = sorted({value for value in values if value is not None})
    moved = []
    for r, value in zip(records, values, strict=True):
        task, seed = r.settings["task"], r.settings.get("seed", 0)
        own = {name: v for name, v in r.settings.items() if name != key}
        own["task"] = _LABELS.sub("", task) if key == "labels" else task
        for at in every if value is None else [value]:
            moved.append(replace(r, settings=own | {"seed": (at, seed)}))
    return moved


def group_by_value(runs: Runs) -> dict[float, Runs]:
    """A row of such records by value, lowest first: without values that some task has not."""
    values = sorted({at for by_pair in runs.values() for at, _ in by_pair})
    parts: dict[float, Runs] = {
        value: {
            task: {seed: r for (at, seed), r in by_pair.items() if at == value}
            for task, by_pair in runs.items()
        }
        for value in values
    }
    return {value: part for value, part in parts.items() if all(part.values())}


def _with_parents(records: Sequence[Record]) -> list[Record]:
    """Runs, those that pruned ones begin with in the rows of these, no longer in their own."""
    wholes = {r.id: r for r in records if not r.settings.get("sparsity")}
    pruned = [r for r in records if r.id not in wholes and r.settings["init"] in wholes]
    begun = {r.settings["init"] for r in pruned}
    moved = [
        replace(wholes[r.settings["init"]], settings=r.settings | {"sparsity": 0.0}) for r in pruned
    ]
    return [*moved, *(r for r in records if r.id not in begun)]


def _numbers(records: Sequence[Record]) -> dict[str, list[float | None]]:
    """Values of every setting but the seed that is a number and varies within a method.

    One a record; None where it has no such setting.
    """
    shown = [_LABELS.search(r.settings["task"]) for r in records]
    found: dict[str, list[Any]] = {"labels": [int(k[1]) if k else ALL for k in shown]}
    for name in dict.fromkeys(name for r in records for name in r.settings if name != "seed"):
        values = [r.settings.get(name) for r in records]
        if all(v is None or type(v) in (int, float) for v in values):
            found[name] = [ALL if (name, v) == ("features", 0) else v for v in values]
    methods = [r.settings["method"] for r in records]
    return {
        name: values
        for name, values in found.items()
        if len(set(zip(methods, values, strict=True))) > len(set(methods))
    }
