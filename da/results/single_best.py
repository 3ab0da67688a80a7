"""Runs of single sources in tables of several sources. Does not import torch."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from da.config.task_name import TaskName
from da.results.aggregate import ORACLE, ROW
from da.results.label_columns import ACCURACY
from da.results.records import Record


def join_singles(records: Sequence[Record]) -> list[Record]:
    """Return records with those of the best single source in the columns of several sources.

    For each method and each task of several sources to one target, the best source is the one from
    which the last evaluations have the highest mean over seeds. Its runs become a row of their own,
    which says so, and runs from the others are left out. Where a source has no runs, all stay as
    they are.
    """
    several = [task for task in dict.fromkeys(map(_task, records)) if len(task.sources) > 1]
    kept: list[Record] = []
    singles: dict[tuple[TaskName, str], dict[str, list[Record]]]
    singles = defaultdict(lambda: defaultdict(list))
    for record in records:
        columns = [task for task in several if _is_part(_task(record), task)]
        kept += [] if columns else [record]
        for column in columns:
            singles[column, _kind(record)][_task(record).source].append(record)
    for (column, _), by_source in singles.items():
        if len(by_source) == len(column.sources):
            kept += [_placed(record, column) for record in max(by_source.values(), key=_accuracy)]
        else:
            kept += [record for runs in by_source.values() for record in runs]
    return list({id(record): record for record in kept}.values())


def _task(record: Record) -> TaskName:
    return TaskName.parse(str(record.settings["task"]))


def _is_part(single: TaskName, several: TaskName) -> bool:
    same = (single.benchmark, single.target, single.end)
    return single.source in several.sources and same == (
        *(several.benchmark, several.target, several.end),
    )


def _kind(record: Record) -> str:
    """Return all settings but task and seed as text."""
    own = {k: v for k, v in record.settings.items() if k not in ("task", "seed")}
    return json.dumps(own, sort_keys=True)


def _accuracy(records: Sequence[Record]) -> float:
    return fmean(r.curve[-1].get(ACCURACY, 0.0) if r.curve else 0.0 for r in records)


def _placed(record: Record, column: TaskName) -> Record:
    row = record.settings.get(ROW, record.settings["method"])
    own = {"task": str(column), ROW: f"{row}, best single source {ORACLE}"}
    return replace(record, settings=record.settings | own)
