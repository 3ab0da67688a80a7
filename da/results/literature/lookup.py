"""Look up numbers printed in papers for comparison with ours. Does not import torch."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath

from da.config.task_name import TaskName, short_domain
from da.config.validation import plain_name
from da.results.literature import printed
from da.results.literature.benchmarks import (
    BENCHMARKS,
    CORRUPTIONS,
    DIFFERS,
    FOLDERS,
    SPELLINGS,
    Benchmark,
    numbers_of,
)
from da.results.literature.numbers import Row, list_papers


@dataclass(frozen=True)
class Reference:
    """A printed number that a method is compared with on a task."""

    value: float
    std: float | None
    paper: str
    backbone: str
    where: str
    """Table and source, and what to know for a comparison."""
    differs: str
    """How our images differ from the printed ones; empty if they are the same."""

    @property
    def alike(self) -> bool:
        """Whether the printed task is only similar to ours, not the same."""
        return bool(self.differs)


@dataclass(frozen=True)
class PrintedTask:
    """A task by the names of its data set and its setting."""

    data: str
    sources: tuple[str, ...]
    target: str
    setting: str

    @property
    def streams(self) -> bool:
        """Whether test images arrive one after the other."""
        return self.setting.startswith("stream")


def reference(
    method: str,
    task: str,
    backbone: str,
    *,
    trained: bool = True,
    metric: str = "accuracy",
    papers: Sequence[str] = (),
) -> Reference | None:
    """Return the printed number of a method, or None if there is none.

    It is of the same data set, setting, backbone and metric.

    Args:
        method: One of our methods, one of `printed.VARIANTS`, or `target_only`.
        task: One of our tasks.
        backbone: One of our backbones.
        trained: Whether the backbone was trained on the task, not only what is on top of it.
        metric: One of `printed.METRICS`.
        papers: Papers whose numbers count, each by its name or the end of it; empty for those of
            `printed.PAPERS`.
    """
    if (ours := read_task(task)) is None:
        return None
    rows = [
        row
        for benchmark in BENCHMARKS
        if is_printed(benchmark, ours, method, metric)
        for row in _on_task(benchmark, ours, method)
        if row.backbone in networks(backbone, trained)
    ]
    return choose(rows, ours, method, metric, papers)


def choose(
    rows: Iterable[Row], ours: PrintedTask, method: str, metric: str, papers: Sequence[str] = ()
) -> Reference | None:
    """Return the number of the first paper that counts, or None where there is none.

    Args:
        rows: Printed numbers of a task, of any method.
        ours: The task.
        method: Method, as in `reference`.
        metric: Metric, as in `reference`.
        papers: Papers whose numbers count, as in `reference`.
    """
    counted = papers or [*printed.PAPERS]
    ranked = [(rank, row) for row in rows if (rank := _rank(row, method, metric, counted))]
    if not ranked:
        return None
    _, row = min(ranked, key=lambda each: each[0])
    differs = (DIFFERS.get((ours.data, name), "") for name in (*ours.sources, ours.target))
    told = "; ".join(filter(None, dict.fromkeys(differs)))
    where = "; ".join(filter(None, (row.where, _remark(row.paper, ours.data))))
    return Reference(row.value, row.std, row.paper, row.backbone, where, told)


def is_printed(benchmark: Benchmark, ours: PrintedTask, method: str, metric: str) -> bool:
    """Return whether a benchmark has a task; streams are printed with online metrics alone."""
    return _has(benchmark, ours, method) and (metric in printed.ONLINE) == ours.streams


def read_task(task: str) -> PrintedTask | None:
    """Return the names of a task of a known data set, or None."""
    name = TaskName.parse(task)
    setting = name.end.removeprefix("+")
    if name.benchmark == "folder":
        return None if setting else _read_folders(name)
    sources, target = tuple(name.source.split(",")), name.target
    if not target or (sources[1:] and setting):
        return None
    if "," in target:
        if target.split(",") != [f"{each}5" for each in CORRUPTIONS]:
            return None
        stream = "the stream" if "mixed" in setting else "15 corruptions"
        target, setting = f"mean of {stream}", f"{setting}*15"
    if target.removesuffix("5") in CORRUPTIONS:
        target = target.removesuffix("5")
    return PrintedTask(name.benchmark, sources, target, "several" if sources[1:] else setting)


def _read_folders(name: TaskName) -> PrintedTask | None:
    """Return the names of two folders whose paths name a published data set, or None."""
    for data, title in FOLDERS.items():
        if all(_bears(path, title) for path in name.pair):
            source, target = (plain_name(short_domain(path)) for path in name.pair)
            return PrintedTask(data, (source,), target, "")
    return None


def _bears(path: str, name: str) -> bool:
    return any(plain_name(part).startswith(plain_name(name)) for part in PurePath(path).parts)


def networks(backbone: str, trained: bool) -> tuple[str, ...]:
    """Return the printed names of a backbone."""
    table = printed.TRAINED if trained else printed.FROZEN
    return next((names for key, names in table.items() if backbone in (key, _bare(key))), ())


def _bare(name: str) -> str:
    """Return the name of a network of timm without its weights."""
    return name if "/" in name else name.partition(".")[0]


def _has(benchmark: Benchmark, ours: PrintedTask, method: str) -> bool:
    """Return whether a benchmark has a task; training on the target needs no other domain."""
    settings = {ours.setting, "several"} if method == "target_only" else {ours.setting}
    return benchmark.data == ours.data and not settings.isdisjoint(benchmark.settings)


def _on_task(benchmark: Benchmark, ours: PrintedTask, method: str) -> Iterator[Row]:
    """Yield the printed numbers of a benchmark on the domains of a task."""
    numbers = numbers_of(benchmark)
    known = spellings(benchmark)
    target = known.get(plain_name(ours.target))
    if ours.setting == "several":
        others = {known.get(plain_name(name)) for name in ours.sources}
        wanted = {_several(numbers, method) if others == _domains(numbers) - {target} else None}
    else:
        names = (ours.target, *ours.sources) if method == "target_only" else ours.sources
        wanted = {known.get(plain_name(name)) for name in names}
    for row in numbers:
        right = (benchmark.name, row.method) not in printed.WRONG
        if right and row.target == target and row.source in wanted:
            yield row


def _several(numbers: Iterable[Row], method: str) -> str:
    """Return how a benchmark writes all other domains as sources: told apart, or joined."""
    joined = any(row.source == printed.JOINED for row in numbers)
    usual = printed.JOINED if joined else "all others (multi-source)"
    return printed.SEVERAL.get(method, usual)


def _domains(numbers: Iterable[Row]) -> set[str | None]:
    found: set[str | None] = {row.target for row in numbers}
    return found - {"avg"}


@cache
def spellings(benchmark: Benchmark) -> dict[str, str]:
    """Return the printed name of each domain by its plain name, as ours and as printed."""
    names = {name for row in numbers_of(benchmark) for name in (row.source, row.target)} - {"avg"}
    plain = {plain_name(name): name for name in names}
    return plain | SPELLINGS.get(benchmark.data, {})


def _rank(
    row: Row, method: str, metric: str, papers: Sequence[str] = (*printed.PAPERS,)
) -> tuple[int, int, int] | None:
    """Return the place of a row among those of a method, or None where it is none of them."""
    paper = next((i for i, key in enumerate(papers) if row.paper.endswith(key)), None)
    methods, metrics = printed.METHODS.get(method, ()), printed.METRICS.get(metric, ())
    other = (row.paper, row.backbone) in printed.OTHER_WEIGHTS
    if (
        paper is None
        or other
        or not row.seen
        or row.method not in methods
        or row.metric not in metrics
    ):
        return None
    return paper, methods.index(row.method), metrics.index(row.metric)


def check_papers(papers: Sequence[str]) -> None:
    """Check that each name is a paper's, or the end of one's.

    Raises:
        ValueError: If no paper with numbers has that name.
    """
    known = list_papers()
    for name in papers:
        if not any(paper.endswith(name) for paper in known):
            close = difflib.get_close_matches(name, known, 3, 0)
            raise ValueError(f"no printed numbers of {name!r}, known: {'; '.join(close)} ...")


def _remark(paper: str, data: str) -> str:
    """Return what to know of a paper's numbers on a data set."""
    key = next((key for key in printed.PAPERS if paper.endswith(key)), "")
    return printed.REMARKS.get((key, data), printed.PAPERS.get(key, ""))
