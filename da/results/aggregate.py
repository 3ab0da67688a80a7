"""Sort records into rows and columns of a table and average them. Does not import torch."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Any

from da.config.label_columns import MEAN
from da.config.task_name import TaskName
from da.config.validation import shorten_names
from da.results.choosers import check_chooser
from da.results.record_schema import LABELED
from da.results.records import Point, Record

ORACLE = "‡"
"""Mark of what is chosen with target labels."""


@dataclass(frozen=True)
class Line:
    """Row of a table that a run belongs to."""

    label: str
    """Name of the row as the table shows it, without marks."""
    method: str
    """File name of the method, or `target_only` for `source_only` from a domain to itself."""
    few: str
    """Few labels of its tasks: 3-shot for +3shot, 5-label for +5label; empty for neither."""

    @property
    def labels(self) -> bool:
        """Whether the runs of the row were shown target labels."""
        return self.few.endswith("shot") or self.method == "target_only"

    @property
    def oracle(self) -> bool:
        """Whether the runs of the row were chosen with target labels."""
        return self.label.endswith(ORACLE)

    @property
    def marked_label(self) -> str:
        """Label of the row, with a dagger if its runs were shown target labels."""
        return self.label + " †" * self.labels


ROW = "row"
"""Key in the settings of a record under which the experiment names the row of the run."""

RUN_IDS = "init", "hp.teacher"
"""Settings that can name another run by its id."""

Runs = dict[str, dict[Any, Record]]
"""Records of one row, by column and then by seed; a column is a task."""

Kind = tuple[str, str]
"""Method and few labels of a row; rows of one kind differ only in settings."""


def group_records(records: Sequence[Record]) -> dict[Line, Runs]:
    """Sort records into rows and columns; rows with target labels come last.

    Rows with target labels use the columns of the other rows. A run with shots is in the column of
    the same task without shots. A run from a domain to itself is in every column with that target.
    If there are no such columns, these rows are ordinary: each run is in the column of its own
    task.

    A run over a stream of test images is in two rows. One has its predictions while the images
    came, the other those that it would make afterwards.
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
        return (
            line.labels or line.oracle,
            line.method == "target_only",
            kinds.index((line.method, line.few)),
        )

    return {line: dict(rows[line]) for line in sorted(rows, key=order)}


def list_tasks(rows: dict[Line, Runs]) -> list[str]:
    """List the tasks of all columns, those with the same source next to each other."""
    found = list(dict.fromkeys(task for row in rows.values() for task in row))
    return [task for group in group_by_source(found).values() for task in group]


def group_by_source(tasks: Sequence[str]) -> dict[str, list[str]]:
    """Group tasks by `BENCHMARK:SOURCE`, in the order in which they come."""
    groups: dict[str, list[str]] = defaultdict(list)
    for task in tasks:
        name = TaskName.parse(task)
        groups[f"{name.benchmark}:{name.source}"].append(task)
    return dict(groups)


def list_selectors(records: Sequence[Record]) -> list[str]:
    """List what can choose the evaluation of every run: `last`, scores that all have, `oracle`.

    The oracle is there where all have a target accuracy.
    """
    points = [*{tuple(p): p for r in records for p in r.curve}.values()]  # one of each set of keys
    scores = [key for key in list_scores(points) if all(key in point for point in points)]
    return ["last", *scores, *["oracle"] * all("target_accuracy" in point for point in points)]


def has_accuracy(record: Record) -> bool:
    """Return whether a run was tested with target labels; a run without evaluations may be."""
    return not record.curve or "target_accuracy" in record.curve[-1]


def split_tested(records: Sequence[Record]) -> tuple[list[Record], str]:
    """Return the records that have a target accuracy, and a line on those that have none.

    Where none has, all are returned. The line is empty where all have.
    """
    tested = [record for record in records if has_accuracy(record)]
    tasks = dict.fromkeys(_task(r) for r in records if not has_accuracy(r))
    if not tasks:
        return tested, ""
    named = shorten_names(tasks)
    if not any(record.curve for record in tested):
        return [*records], f"no target accuracy: the target of {named} has no labels"
    return tested, f"left out, as their targets have no labels: {named}"


def list_scores(points: Iterable[Point]) -> list[str]:
    """List the scores of selectors that any of these evaluations has."""
    own = "step", "target_accuracy"
    found = dict.fromkeys(key for point in points for key in point if "/" not in key)
    return sorted((key for key in found if key not in own), key=lambda key: key in LABELED)


def known_selectors(records: Sequence[Record]) -> list[str]:
    """List what can choose the evaluation of every run, also by further label columns."""
    own = list_selectors(records)
    return own + [name for name in _of_columns(records) if name.partition("/")[0] in own]


def check_selectors(
    records: Sequence[Record], names: Sequence[str], known: Sequence[str] = ()
) -> list[str]:
    """Return the selectors in `names`, each once, and last those that see target labels.

    Without names, return `last` alone. `known` is from `known_selectors`, if that was called.

    Raises:
        ValueError: A selector is unknown (the error names the known ones), or there are no records.
    """
    if not records:
        raise ValueError("no records to make a table of: run `da sweep` on the experiment first")
    known = known or known_selectors(records)
    for name in names:
        if name == "oracle" and name not in known:
            raise ValueError(f"oracle needs target labels: {split_tested(records)[1]}")
        check_chooser(name, known)
    return sorted(dict.fromkeys(names), key=sees_labels) or ["last"]


def sees_labels(name: str) -> bool:
    """Return whether a selector sees target labels, perhaps of a further label column."""
    return name.partition("/")[0] in LABELED


def _of_columns(records: Sequence[Record]) -> list[str]:
    """List the scores of further label columns that every evaluation has, and their oracles.

    For the mean, those of runs with several columns count.
    """
    several = [r for r in records if len(r.settings.get("label_columns", ())) > 1]
    names = {c for r in several for c in r.settings["label_columns"]}
    found = []
    for key in several[0].curve[0] if several else ():
        base, _, column = key.partition("/")
        among = several if column == MEAN else records
        if column in {MEAN, *names} and all(key in p for r in among for p in r.curve):
            found.append(f"{'oracle' if base == 'target_accuracy' else base}/{column}")
    return found


def average(
    runs: Runs, tasks: Sequence[str], selector: str, score: str = "target_accuracy"
) -> tuple[float | None, float | None]:
    """Return the mean target accuracy over tasks, and its standard deviation over seeds.

    The deviation is between the means of single seeds, so it is None unless two seeds or more have
    all tasks. If a task is missing or has no accuracy, both values are None.

    Args:
        runs: Records of one row.
        tasks: Columns to average over.
        selector: What chooses the evaluation of each run: `last`, `oracle`, or a score.
        score: What is averaged: the accuracy, or the score of a selector.
    """
    each_run = [r for task in tasks for r in runs.get(task, {}).values()]
    if any(task not in runs for task in tasks) or not all(score in r.curve[-1] for r in each_run):
        return None, None
    reached = [{seed: r.point(selector)[score] for seed, r in runs[task].items()} for task in tasks]
    seeds = set.intersection(*(set(by_seed) for by_seed in reached))
    each = [fmean([by_seed[seed] for by_seed in reached]) for seed in sorted(seeds)]
    return fmean([fmean([*s.values()]) for s in reached]), stdev(each) if len(each) > 1 else None


def most_repeated(runs: Runs, tasks: Iterable[str]) -> int:
    """Return how many test images of a task are labeled training images too, at most.

    Args:
        runs: Records of one row.
        tasks: Columns that count.
    """
    found = [r for task in tasks for r in runs.get(task, {}).values()]
    return max((r.made_from.get("repeated", 0) for r in found), default=0)


def _online(r: Record) -> list[Record]:
    """Return a record of the predictions made while test images streamed by, if there are any."""
    if not r.curve or "target_accuracy/online" not in r.curve[-1]:
        return []
    last = r.curve[-1]
    settings = r.settings | {"method": f"{r.settings['method']} (online)"}
    point = last | {"target_accuracy": last["target_accuracy/online"]}
    return [replace(r, settings=settings, curve=[point])]


def _place(r: Record, columns: list[str]) -> tuple[Kind, list[str]]:
    """Return the kind of a record and the columns that it belongs to."""
    name = TaskName.parse(_task(r))
    here = [column for column in columns if _has_target(column, name)]
    if here and _is_target_only(r):
        return ("target_only", name.labels), here
    return (r.settings["method"], name.labels), [_without_shots(_task(r))]


def _labels(placed: list[tuple[Record, Kind]]) -> list[str]:
    """Name the row of each record: its method, and every setting that varies within its kind.

    If the experiment names the row, the label begins with that name. Then it has every setting that
    differs between runs of that row with the same task and seed. A run that begins with the weights
    of another run, or learns from it, shows the other's method, not its id.
    """
    methods = {r.id: r.settings["method"] for r, _ in placed}
    found = []
    for r, kind in placed:
        others = {key: methods.get(str(r.settings.get(key))) for key in RUN_IDS}
        found.append((kind, r.settings | {k: method for k, method in others.items() if method}))
    varying = _varying(found)
    labels = []
    for kind, settings in found:
        row = settings.get(ROW, kind[0])
        vary = [key for key in settings if (kind, row, key) in varying]
        words = [row, *(f"{key.removeprefix('hp.')}={settings[key]}" for key in vary)]
        labels.append(" ".join([*words, f"({kind[1]})"] if kind[1] else words))
    return labels


def _varying(found: list[tuple[Kind, dict[str, Any]]]) -> set[tuple[Kind, str, str]]:
    """Return (kind, row, setting) for every setting that tells runs of a kind and row apart."""
    first: dict[Any, dict[str, str]] = {}
    varying = set()
    for kind, settings in found:
        row = settings.get(ROW, kind[0])
        column = (settings["task"], settings.get("seed", 0)) if ROW in settings else ()
        own = {key: repr(value) for key, value in settings.items() if value is not None}
        other = first.setdefault((kind, row, column), own)
        if own != other:
            keys = {key for key, _ in own.items() ^ other.items()}
            varying |= {(kind, row, key) for key in keys if own.get(key) != other.get(key)}
    return {place for place in varying if place[2] not in ("method", "task", "seed", ROW)}


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
