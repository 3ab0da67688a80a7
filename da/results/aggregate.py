"""Records by row and column of a table, and what they reached there. No torch."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, stdev
from typing import Any

from da.config.task_name import TaskName
from da.results.records import Record


@dataclass(frozen=True)
class Line:
    """Which row a run belongs to."""

    label: str
    method: str
    """Its file's name, or `target_only`: `source_only` from a domain to itself."""
    few: str
    """3-shot in tasks that end in +3shot, and 5-label in those that end in +5label."""

    @property
    def labels(self) -> bool:
        """Whether its runs were shown target labels."""
        return self.few.endswith("shot") or self.method == "target_only"

    @property
    def marked_label(self) -> str:
        """The label, with a dagger where its runs were shown target labels."""
        return self.label + " †" * self.labels


ROW = "row"
"""What the experiment calls a run's row, among the settings of its record."""

Runs = dict[str, dict[Any, Record]]
"""Records of one row, by column and seed; a column is a task."""

Kind = tuple[str, str]
"""Method and few labels: rows of one kind differ in settings only."""


def group_records(records: Sequence[Record]) -> dict[Line, Runs]:
    """Sort records into rows and columns; rows with target labels come last.

    Those stand in the columns of the others: shots in the column of the task without them, a run
    from a domain to itself in every column with that target. Where there are no such columns they
    are ordinary rows, each run in the column of its own task. A run over a stream of test images
    stands in two rows: what it predicted while they came, and what it would predict afterwards.
    """
    records = [twin for r in records for twin in (r, *_online(r))]
    adapted = [_task(r) for r in records if not _is_target_only(r)]
    columns = list(dict.fromkeys(map(_without_shots, adapted)))
    if set(columns) & set(adapted):
        placed = [(r, *_place(r, columns)) for r in records]
    else:
        placed = [(r, (r.settings["method"], ""), [_task(r)]) for r in records]
    labels = _labels([(r, kind) for r, kind, _ in placed])
    rows: dict[Line, Runs] = defaultdict(lambda: defaultdict(dict))
    for (r, kind, here), label in zip(placed, labels, strict=True):
        for column in here:
            rows[Line(label, *kind)][column][r.settings.get("seed", 0)] = r
    kinds = list(dict.fromkeys(kind for _, kind, _ in placed))

    def order(line: Line) -> tuple[bool, bool, int]:
        return line.labels, line.method == "target_only", kinds.index((line.method, line.few))

    return {line: dict(rows[line]) for line in sorted(rows, key=order)}


def list_tasks(rows: dict[Line, Runs]) -> list[str]:
    """Every column, those with one source side by side."""
    found = list(dict.fromkeys(task for row in rows.values() for task in row))
    return [task for group in group_by_source(found).values() for task in group]


def group_by_source(tasks: Sequence[str]) -> dict[str, list[str]]:
    """Tasks of each `BENCHMARK:SOURCE`, in the order in which they come."""
    groups: dict[str, list[str]] = defaultdict(list)
    for task in tasks:
        name = TaskName.parse(task)
        groups[f"{name.benchmark}:{name.source}"].append(task)
    return dict(groups)


def list_selectors(records: Sequence[Record]) -> list[str]:
    """What can choose the look of each of these runs: `last`, scores that all have, `oracle`."""
    looks = [point for record in records for point in record.curve]
    own = "step", "target_accuracy"
    scores = [key for key in looks[0] if key not in own and "/" not in key]
    return ["last", *(key for key in scores if all(key in look for look in looks)), "oracle"]


def check_selectors(records: Sequence[Record], names: Sequence[str]) -> list[str]:
    """The selectors `names`, each once, the oracle last; `last` where none is named.

    Raises ValueError, naming the known ones, for an unknown one, and where there are no records.
    """
    if not records:
        raise ValueError("no records to make a table of: run `da sweep` on the experiment first")
    known = list_selectors(records)
    for name in names:
        if name not in known:
            raise ValueError(f"unknown selector {name!r}, known: {', '.join(known)}")
    return sorted(dict.fromkeys(names), key=lambda name: name == "oracle") or ["last"]


def average(runs: Runs, tasks: Sequence[str], selector: str) -> tuple[float | None, float | None]:
    """Mean over tasks, and the deviation of each seed's own mean, which one seed has not.

    Nothing where a task is missing. `selector` picks the look of each run.
    """
    if any(task not in runs for task in tasks):
        return None, None
    reached = [
        {seed: r.point(selector)["target_accuracy"] for seed, r in runs[task].items()}
        for task in tasks
    ]
    seeds = set.intersection(*(set(by_seed) for by_seed in reached))
    each = [fmean(by_seed[seed] for by_seed in reached) for seed in sorted(seeds)]
    mean = fmean(fmean(by_seed.values()) for by_seed in reached)
    return mean, stdev(each) if len(each) > 1 else None


def costs(runs: Iterable[Mapping[Any, Record]]) -> dict[str, tuple[float, float]]:
    """Median seconds of a run, and images a second, on each machine; runs of other columns too."""
    found: dict[str, dict[str, Record]] = defaultdict(dict)
    for by_seed in runs:
        for r in by_seed.values():
            about = [r.environment.get(key) for key in ("machine", "device")]
            found[", ".join(filter(None, about)) or "an unknown machine"][r.id] = r
    return {
        machine: (
            median(r.seconds for r in each.values()),
            median(r.images_per_second for r in each.values()),
        )
        for machine, each in found.items()
    }


def _online(r: Record) -> list[Record]:
    """A record of the predictions that a run made while test images streamed by, if it did."""
    if not r.curve or "target_accuracy/online" not in r.curve[-1]:
        return []
    last = r.curve[-1]
    settings = r.settings | {"method": f"{r.settings['method']} (online)"}
    point = last | {"target_accuracy": last["target_accuracy/online"]}
    return [replace(r, settings=settings, curve=[point])]


def _place(r: Record, columns: list[str]) -> tuple[Kind, list[str]]:
    """Kind of a record, and the columns that it stands in."""
    name = TaskName.parse(_task(r))
    here = [column for column in columns if _has_target(column, name)]
    if here and _is_target_only(r):
        return ("target_only", name.labels), here
    return (r.settings["method"], name.labels), [_without_shots(_task(r))]


def _labels(placed: list[tuple[Record, Kind]]) -> list[str]:
    """Name of each record's row: its method, and every setting that varies within its kind.

    Or the `row` that its experiment says, and every setting in which runs there differ that are of
    one task and seed. A run that begins with another's weights is named by the other's method, not
    by its id.
    """
    methods = {r.id: r.settings["method"] for r, _ in placed}
    found = []
    for r, kind in placed:
        begun = methods.get(str(r.settings.get("init")))
        found.append((kind, r.settings | {"init": begun} if begun else r.settings))
    varying = _varying(found)
    labels = []
    for kind, settings in found:
        row = settings.get(ROW, kind[0])
        vary = [key for key in settings if (kind, row, key) in varying]
        words = [row, *(f"{key.removeprefix('hp.')}={settings[key]}" for key in vary)]
        labels.append(" ".join([*words, f"({kind[1]})"] if kind[1] else words))
    return labels


def _varying(found: list[tuple[Kind, dict[str, Any]]]) -> set[tuple[Kind, str, str]]:
    """Settings that tell runs of a kind and a row apart, each with these two before it."""
    keys = {key for _, settings in found for key in settings} - {"method", "task", "seed", ROW}
    values: dict[Any, set[str]] = defaultdict(set)
    for kind, settings in found:
        row = settings.get(ROW, kind[0])
        column = (settings["task"], settings.get("seed", 0)) if ROW in settings else ()
        for key in keys:
            values[(kind, row, key), column].add(json.dumps(settings.get(key), sort_keys=True))
    return {place for (place, _), some in values.items() if len(some) > 1}


def _task(r: Record) -> str:
    return str(r.settings["task"])


def _without_shots(task: str) -> str:
    return str(TaskName.parse(task).without_labels())


def _has_target(task: str, name: TaskName) -> bool:
    other = TaskName.parse(task)
    return (other.benchmark, other.target) == (name.benchmark, name.target)


def _is_target_only(r: Record) -> bool:
    source, target = TaskName.parse(_task(r)).pair
    return r.settings["method"] == "source_only" and bool(target) and source == target
