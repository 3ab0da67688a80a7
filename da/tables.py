"""Records to tables: method by task, or method by selector. No torch."""

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, stdev

from da import typeset
from da.gather import Line, Runs, by_source, gather
from da.gather import tasks as columns_of
from da.published import Reference, domain, reference, split_task
from da.records import Record
from da.typeset import Cell, Group, Row, Table

STYLES = "terminal", "markdown", "latex", "csv"

FEW = 8
"""Tasks that fit side by side on a page."""


def render(
    records: Sequence[Record],
    chosen_by: Sequence[str] = ("last",),
    style: str = "terminal",
    wanted: int | None = None,
    bold: bool = False,
) -> str:
    """The table of an experiment as text, in one of `STYLES`.

    `chosen_by` names what picks the look of each run: `last`, `oracle`, or scores in the records;
    several give a column each, averaged over tasks. `wanted` is how many runs the experiment has;
    `bold` marks the best in a terminal by ANSI codes instead of a star. Raises ValueError, naming
    the known ones, for an unknown style or selector, and where there are no records.
    """
    if style not in STYLES:
        raise ValueError(f"unknown style {style!r}, known: {', '.join(STYLES)}")
    if style == "csv":
        return _csv(records, chosen_by)
    table = build(records, chosen_by, wanted)
    if style == "terminal":
        return typeset.terminal(table, bold=bold)
    return typeset.markdown(table) if style == "markdown" else typeset.latex(table)


def build(
    records: Sequence[Record], chosen_by: Sequence[str] = ("last",), wanted: int | None = None
) -> Table:
    """The table before it is made text; arguments and errors as in `render`."""
    names = _chosen(records, chosen_by)
    rows = gather(records)
    tasks = columns_of(rows)
    table = _by_task(rows, tasks, names[0]) if len(names) == 1 else _by_selector(rows, tasks, names)
    notes = [_progress(len(records), wanted) + _choice(names)]
    if any(line.labels for line in rows):
        notes.append("† shown target labels, so never the best")
    if any(len(runs) < len(tasks) for runs in rows.values()):
        notes.append("an average is blank where one of its tasks is missing")
    return replace(table, rows=_with_best(table.rows), notes=(*notes, *table.notes))


def plain(table: Table) -> tuple[list[str], list[list[str]]]:
    """Header and rows as plain text, for W&B and other viewers of tables."""
    rows = [[row.label, *map(str, row.cells), row.seeds] for row in table.rows]
    return ["method", *table.heads, "seeds"], rows


def selectors(records: Sequence[Record]) -> list[str]:
    """What can choose the look of each of these runs: `last`, scores that all have, `oracle`."""
    looks = [point for record in records for point in record.curve]
    own = "step", "target_accuracy"
    scores = [key for key in looks[0] if key not in own and not key.startswith("loss/")]
    return ["last", *(key for key in scores if all(key in look for look in looks)), "oracle"]


def _chosen(records: Sequence[Record], chosen_by: Sequence[str]) -> list[str]:
    """Selectors, each once, the oracle last."""
    if not records:
        raise ValueError("no records to make a table of: run `da sweep` on the experiment first")
    known = selectors(records)
    for name in chosen_by:
        if name not in known:
            raise ValueError(f"unknown selector {name!r}, known: {', '.join(known)}")
    return sorted(dict.fromkeys(chosen_by), key=lambda name: name == "oracle") or ["last"]


def _by_task(rows: dict[Line, Runs], tasks: list[str], selector: str) -> Table:
    """A column a task; where there are many, an average a source; an average of all."""
    parts = by_source(tasks)
    sums = [(domain(split_task(part[0])[1]), part) for part in parts.values()]
    sums = [(f"from {source}", part) for source, part in sums] if _is_wide(tasks) else []
    sums += [("average", tasks)] if len(tasks) > 1 else []
    of = [*([task] for task in tasks), *(part for _, part in sums)]
    ours = [
        _row(line, runs, [_average(some, runs, selector) for some in of])
        for line, runs in rows.items()
    ]
    printed, notes = _printed(rows, tasks, of)
    spread = any(cell.deviation is not None for row in ours for cell in row.cells)
    title = f"{_benchmarks(tasks)}: target accuracy in %{', mean ± deviation over seeds' * spread}"
    heads = (*_heads(tasks), *(head for head, _ in sums))
    return Table(title, heads, (*ours, *printed), notes, _groups(tasks, heads))


def _by_selector(rows: dict[Line, Runs], tasks: list[str], names: list[str]) -> Table:
    """A column a selector, each averaged over all tasks."""
    ours = [
        _row(line, runs, [_average(tasks, runs, name) for name in names])
        for line, runs in rows.items()
    ]
    over = f"mean of {len(tasks)} tasks" if len(tasks) > 1 else _heads(tasks)[0]
    title = f"{_benchmarks(tasks)}, {over}: target accuracy in %, by what chose each run's look"
    heads = tuple("oracle ‡" if name == "oracle" else name for name in names)
    notes = ("‡ oracle: chosen with target labels",) * ("oracle" in names)
    return Table(title, heads, tuple(ours), notes)


def _row(line: Line, runs: Runs, cells: list[Cell]) -> Row:
    counts = sorted({len(by_seed) for by_seed in runs.values()})
    seeds = "-".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    return Row(line.label + " †" * line.labels, int(line.labels), tuple(cells), seeds)


def _average(tasks: list[str], runs: Runs, selector: str) -> Cell:
    """Mean over tasks; its deviation is that of each seed's own mean."""
    if any(task not in runs for task in tasks):
        return Cell()
    reached = [
        {seed: r.point(selector)["target_accuracy"] for seed, r in runs[task].items()}
        for task in tasks
    ]
    seeds = set.intersection(*(set(by_seed) for by_seed in reached))
    each = [fmean(by_seed[seed] for by_seed in reached) for seed in sorted(seeds)]
    mean = fmean(fmean(by_seed.values()) for by_seed in reached)
    return Cell(mean, stdev(each) if len(each) > 1 else None)


def _with_best(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Mark the highest of each column, as it reads; what has no rival is no best."""
    columns = zip(*(row.cells for row in rows if row.section == 0), strict=True)
    numbers = [[cell.number for cell in column if cell.number] for column in columns]
    tops = [max(column, key=float) if len(column) > 1 else None for column in numbers]
    marked = []
    for row in rows:
        pairs = zip(row.cells, tops, strict=bool(tops))
        best = [replace(cell, best=cell.number == top) for cell, top in pairs]
        marked.append(replace(row, cells=tuple(best)) if row.section == 0 else row)
    return tuple(marked)


def _printed(
    rows: dict[Line, Runs], tasks: list[str], of: list[list[str]]
) -> tuple[list[Row], tuple[str, ...]]:
    """A row of printed numbers for each method that has any, and their footnotes."""
    methods = dict.fromkeys(line.method for line in rows if not line.shots)
    found: dict[str, dict[str, Reference]] = defaultdict(dict)
    for method in methods:
        for task in tasks:
            if number := reference(method, task):
                found[method][task] = number
    numbers = [number for row in found.values() for number in row.values()]
    papers = list(dict.fromkeys(map(_cited, numbers)))
    printed = []
    for method, row in found.items():
        marks = {task: f"[{papers.index(_cited(n)) + 1}]" for task, n in row.items()}
        one = set(marks.values())
        label = f"{method}, printed" + f" {min(one)}" * (len(one) == 1)
        cells = [_printed_average(some, row, marks if len(one) > 1 else {}) for some in of]
        printed.append(Row(label, 2, tuple(cells), ""))
    notes = [f"≈ {reason}" for reason in dict.fromkeys(n.differs for n in numbers if n.alike)]
    return printed, (*notes, *(f"[{i}] {cited}" for i, cited in enumerate(papers, 1)))


def _printed_average(tasks: list[str], row: dict[str, Reference], marks: dict[str, str]) -> Cell:
    """One number with all its printed digits, or the mean of several from one paper."""
    if any(task not in row for task in tasks):
        return Cell()
    numbers = [row[task] for task in tasks]
    if len(numbers) == 1:
        digits = len(str(numbers[0].value).partition(".")[2])
        number = numbers[0]
        return Cell(
            number.value, number.std, digits, alike=number.alike, cite=marks.get(tasks[0], "")
        )
    if len({marks.get(task) for task in tasks}) > 1:
        return Cell()
    return Cell(fmean(n.value for n in numbers), alike=any(n.alike for n in numbers))


def _cited(number: Reference) -> str:
    return f"{number.paper}, {number.backbone}; {number.where}"


def _benchmarks(tasks: list[str]) -> str:
    return ", ".join(dict.fromkeys(split_task(task)[0] for task in tasks))


def _heads(tasks: list[str], targets: bool = False) -> list[str]:
    """Tasks, or targets alone, without what all have in common; whole where that is ambiguous."""
    parts = [split_task(task) for task in tasks]
    one = len({benchmark for benchmark, *_ in parts}) == 1
    heads = []
    for benchmark, source, target, shots in parts:
        pair = domain(target) if targets else f"{domain(source)}-{domain(target)}"
        heads.append(f"{benchmark}:" * (not one) + pair + f"+{shots}shot" * (shots > 0))
    return heads if len(set(heads)) == len(tasks) else tasks


def _is_wide(tasks: list[str]) -> bool:
    """Whether there is an average for each source, and tasks stand apart by source."""
    return len(tasks) > FEW and 1 < len(by_source(tasks)) <= FEW


def _groups(tasks: list[str], heads: tuple[str, ...]) -> tuple[Group, ...]:
    """Pieces of a table with many tasks; none for a table with few."""
    if len(tasks) <= FEW:
        return ()
    last = tuple(range(len(tasks), len(heads)))
    if not _is_wide(tasks):
        starts = range(0, len(tasks), FEW)
        cuts = [tuple(range(start, min(start + FEW, len(tasks)))) for start in starts]
        groups = [Group("method", cut, heads[cut[0] : cut[-1] + 1]) for cut in cuts]
        return (*groups, Group("method", last, heads[len(tasks) :]))
    groups, sources = [], []
    for part in by_source(tasks).values():
        sources.append(domain(split_task(part[0])[1]))
        columns = tuple(tasks.index(task) for task in part)
        targets = tuple(_heads(part, targets=True))
        groups.append(Group(f"from {sources[-1]} to", columns, targets))
    return (*groups, Group("average from", last, (*sources, "all")))


def _progress(count: int, wanted: int | None) -> str:
    of = f" of {wanted}" if wanted is not None else ""
    return f"{'only ' * (wanted is not None and count < wanted)}{count}{of} runs, "


def _choice(names: list[str]) -> str:
    if len(names) > 1:
        return "each at the look that its column chooses"
    if names == ["oracle"]:
        return "each at its best look (oracle: chosen with target labels)"
    if names == ["last"]:
        return "each at its last look"
    return f"each at the look that {names[0]} chooses, without target labels"


CSV = (
    *("method", "task", "chosen_by", "mean", "deviation", "seeds", "uses_target_labels"),
    *("printed", "printed_deviation", "printed_in", "differs"),
)
"""Columns of the CSV: a line for each method, task and selector."""


def _csv(records: Sequence[Record], chosen_by: Sequence[str]) -> str:
    names = _chosen(records, chosen_by)
    rows = gather(records)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV)
    for line, runs in rows.items():
        for task in (task for task in columns_of(rows) if task in runs):
            n = None if line.shots else reference(line.method, task)
            printed = [n.value, n.std, _cited(n), n.differs] if n else [None] * 4
            for name in names:
                cell = _average([task], runs, name)
                ours = [_digits(cell.mean), _digits(cell.deviation), len(runs[task])]
                labels = "yes" if line.labels else "no"
                writer.writerow([line.label, task, name, *ours, labels, *printed])
    return out.getvalue()


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
