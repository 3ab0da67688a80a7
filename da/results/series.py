"""Group records by the values of one setting, for plots against it. Does not import torch."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from da.config.task_name import TaskName
from da.results.aggregate import Runs
from da.results.records import Record

ALL = math.inf
"""Value that stands for all there is: of 0 features, or of a task without `+Klabel`."""


def add_setting_to_seed(records: Sequence[Record], setting: str) -> list[Record]:
    """Return copies of the records whose seed is a pair, the value of a setting and the seed.

    So `group_records` puts runs that differ in nothing else into one row. A record without the
    setting is repeated at every value. A run whose weights pruned runs begin with is in their rows,
    at sparsity 0.

    Args:
        records: Records of an experiment.
        setting: Name of a numerical setting, as in the label of a row; `labels` is the K of tasks
            that end in `+Klabel`.

    Raises:
        ValueError: The setting is no number that varies; the error names those that do.
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
        own["task"] = _without_labels(task) if key == "labels" else task
        for at in every if value is None else [value]:
            moved.append(replace(r, settings=own | {"seed": (at, seed)}))
    return moved


def _without_labels(task: str) -> str:
    name = TaskName.parse(task)
    return str(name.without_labels()) if name.kind == "label" else task


def group_by_value(runs: Runs) -> dict[float, Runs]:
    """Group a row by the value in its seeds, lowest value first.

    Values that some task lacks are left out.

    Args:
        runs: Records of one row, from `add_setting_to_seed`.
    """
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
    """Move each run that pruned runs begin with from its own row to theirs, at sparsity 0."""
    wholes = {r.id: r for r in records if not r.settings.get("sparsity")}
    pruned = [r for r in records if r.id not in wholes and r.settings["init"] in wholes]
    begun = {r.settings["init"] for r in pruned}
    moved = [
        replace(wholes[r.settings["init"]], settings=r.settings | {"sparsity": 0.0}) for r in pruned
    ]
    return [*moved, *(r for r in records if r.id not in begun)]


def _numbers(records: Sequence[Record]) -> dict[str, list[float | None]]:
    """Return the values of each numerical setting that varies within a method, without the seed.

    Each setting has one value per record, None for a record that lacks it.
    """
    names = [TaskName.parse(r.settings["task"]) for r in records]
    shown = [name.few if name.kind == "label" else ALL for name in names]
    found: dict[str, list[Any]] = {"labels": shown}
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
