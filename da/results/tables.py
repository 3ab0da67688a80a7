"""Make tables from records: method by task, or method by selector. Does not import torch."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from da.config.task_name import TaskName, short_domain
from da.results import aggregate, literature_rows, table_csv, table_render
from da.results.aggregate import Line, Runs
from da.results.label_columns import keep_runs, list_columns
from da.results.negative_transfer import add_count
from da.results.records import Record
from da.results.shown_metric import FALLING, TITLES, check_metric, show_metric
from da.results.single_best import join_singles
from da.results.source_images import describe_source
from da.results.table_cost import add_cost
from da.results.table_render import Cell, Group, Row, Table

FORMATS = "terminal", "markdown", "latex", "csv"
"""Formats of a table as text."""

FEW = 8
"""Largest number of tasks that fit next to each other on a page."""


def render_table(
    records: Sequence[Record],
    chosen_by: str | Sequence[str] = ("last",),
    format: str = "terminal",
    wanted: Sequence[Record] | None = None,
    bold: bool = False,
    cost: bool = False,
    label_columns: bool = False,
    metric: str = "",
) -> str:
    """Render the table of an experiment as text.

    Args:
        records: Records of the runs so far.
        chosen_by: What chooses the evaluation of each run: `last`, `oracle`, or scores in the
            records. Several, in a list or with commas between, give a column each, averaged over
            tasks.
        format: One of `FORMATS`: text for a terminal, Markdown, LaTeX or CSV.
        wanted: A record of every run of the experiment, with an empty curve for runs that are not
            carried out yet; None if unknown.
        bold: Mark the best in a terminal by ANSI codes instead of a star.
        cost: Show averages over tasks, and next to them the cost of a run on each machine. CSV
            always has every task and the cost.
        label_columns: Show the accuracy of each label column, and the mean, averaged over tasks.
            CSV always has a line for each.
        metric: What is shown, such as hos or mean_class; empty for what papers print of such tasks.

    Raises:
        ValueError: A format, selector or metric is unknown (the error names the known ones), or
            there are no records.
    """
    if format not in FORMATS:
        raise ValueError(f"unknown format {format!r}, known: {', '.join(FORMATS)}")
    chosen_by = chosen_by.split(",") if isinstance(chosen_by, str) else chosen_by
    if format == "csv":
        return table_csv.render_csv(records, chosen_by, metric)
    table = build_table(records, chosen_by, wanted, cost, label_columns, metric)
    if format == "terminal":
        return table_render.render_terminal(table, bold=bold)
    return (
        table_render.render_markdown(table)
        if format == "markdown"
        else table_render.render_latex(table)
    )


def build_table(
    records: Sequence[Record],
    chosen_by: Sequence[str] = ("last",),
    wanted: Sequence[Record] | None = None,
    cost: bool = False,
    label_columns: bool = False,
    metric: str = "",
) -> Table:
    """Build the table of an experiment, before it becomes text.

    Args:
        records: Records of the runs so far.
        chosen_by: What chooses the evaluation of each run, as in `render_table`.
        wanted: A record of every run of the experiment, as in `render_table`.
        cost: Show averages over tasks and the cost of a run on each machine.
        label_columns: Show the accuracy of each label column, and the mean, averaged over tasks.
        metric: What is shown, as in `render_table`.

    Raises:
        ValueError: A selector or metric is unknown, or there are no records.
    """
    tested, untested = aggregate.split_tested(records)
    metric = check_metric(tested, metric)
    if metric in FALLING and "oracle" in chosen_by:
        raise ValueError(f"oracle chooses the highest evaluation, and {metric} is better below")
    if metric != "accuracy":
        tested = [show_metric(record, metric) for record in tested]
    names = aggregate.check_selectors(tested or records, chosen_by)
    what = f"{TITLES[metric]} in %"
    rows = aggregate.group_records(join_singles(tested))
    tasks = aggregate.list_tasks(rows)
    if not any(map(aggregate.has_accuracy, tested)):
        scores = aggregate.list_scores(tested[0].curve)
        table = _by_score(rows, tasks, names, scores, untested)
        return replace(table, notes=(*table.notes, *describe_source(tested, scores)))
    columns = list_columns(tested)
    if label_columns:
        table = _by_column(rows, tasks, names, columns)
    elif len(names) == 1 and not cost:
        table = _by_task(rows, tasks, names[0], metric)
    else:
        table = _by_selector(rows, tasks, names, what)
    notes = [_progress(len(records), wanted) + _choice(names), *filter(None, [untested])]
    notes += describe_source(tested, names)
    if columns and not label_columns:
        shown = ", ".join(columns)
        notes.append(f"each row is of its first label column; --label-columns shows {shown}")
    if any(line.labels for line in rows):
        notes.append("† shown target labels, so never the best")
    if any(line.oracle for line in rows):
        notes.append("‡ the source was chosen with target labels, so never the best")
    if most := max(aggregate.most_repeated(runs, tasks) for runs in rows.values()):
        notes.append(f"§ up to {most} of a task's test images are labeled training images too")
    if any(len(runs) < len(tasks) for runs in rows.values()):
        notes.append("an average is blank where one of its tasks is missing")
    best = min if metric in FALLING else max
    table = replace(table, rows=_with_best(table.rows, best), notes=(*notes, *table.notes))
    if not label_columns:
        table = add_count(table, rows, tasks, names[0], best)
    return add_cost(table, rows) if cost else table


def header_and_rows(table: Table) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of a table as plain text, for W&B and other viewers of tables."""
    rows = [[row.label, *map(str, row.cells), row.seeds] for row in table.rows]
    return ["method", *table.heads, "seeds"], rows


def _by_task(rows: dict[Line, Runs], tasks: list[str], selector: str, metric: str) -> Table:
    """Build a table with a column per task, an average over all, and for many one per source."""
    sums = [(f"from {source}", part) for source, part in _sources(tasks)]
    sums += [("average", tasks)] if len(tasks) > 1 else []
    columns = [*([task] for task in tasks), *(part for _, part in sums)]
    ours = [_row(line, runs, [(some, selector) for some in columns]) for line, runs in rows.items()]
    theirs, notes = literature_rows.reference_rows(rows, tasks, columns, metric)
    spread = any(cell.deviation is not None for row in ours for cell in row.cells)
    title = f"{_benchmarks(tasks)}: {TITLES[metric]} in %{', mean ± deviation over seeds' * spread}"
    heads = (*_heads(tasks), *(head for head, _ in sums))
    return Table(title, heads, (*ours, *theirs), tuple(notes), _groups(tasks, heads))


def _by_selector(rows: dict[Line, Runs], tasks: list[str], names: list[str], what: str) -> Table:
    """Build a table with a column per selector, each averaged over all tasks."""
    ours = [_row(line, runs, [(tasks, name) for name in names]) for line, runs in rows.items()]
    over = f"mean of {len(tasks)} tasks" if len(tasks) > 1 else _heads(tasks)[0]
    title = f"{_benchmarks(tasks)}, {over}: {what}, by what chose each run's evaluation"
    heads = tuple("oracle ‡" if name == "oracle" else name for name in names)
    notes = ("‡ oracle: chosen with target labels",) * ("oracle" in names)
    return Table(title, heads, tuple(ours), notes)


def _by_column(
    rows: dict[Line, Runs], tasks: list[str], names: list[str], columns: list[str]
) -> Table:
    """Build a table with a column per label column and their mean, each averaged over all tasks.

    Raises:
        ValueError: No run has several label columns, or several selectors are to choose.
    """
    if not columns:
        raise ValueError("no run has further label columns: leave --label-columns out")
    if len(names) > 1:
        raise ValueError(f"label columns need one selector, not {', '.join(names)}")
    ours = []
    for line, runs in rows.items():
        each = [keep_runs(runs, column, columns, names[0]) for column in columns]
        cells = tuple(_cell(kept, tasks, "last") for kept in each)
        ours.append(replace(_row(line, runs, []), cells=cells))
    over = f"mean of {len(tasks)} tasks" if len(tasks) > 1 else _heads(tasks)[0]
    title = f"{_benchmarks(tasks)}, {over}: target accuracy in %, by label column"
    return Table(title, tuple(columns), tuple(ours), ())


def _by_score(
    rows: dict[Line, Runs], tasks: list[str], names: list[str], scores: list[str], untested: str
) -> Table:
    """Build a table of the selectors' scores, of runs that have no target accuracy.

    Raises:
        ValueError: Several selectors are to choose.
    """
    if len(names) > 1:
        raise ValueError(f"{untested}; choose by one selector, not {', '.join(names)}")
    ours = []
    for line, runs in rows.items():
        cells = [aggregate.average(runs, tasks, names[0], score) for score in scores]
        row = _row(line, runs, [])
        digits = (1 if score == "source_accuracy" else 3 for score in scores)
        each = (Cell(*cell, digits=n) for cell, n in zip(cells, digits, strict=True))
        ours.append(replace(row, cells=tuple(each)))
    over = f"mean of {len(tasks)} tasks" if len(tasks) > 1 else _heads(tasks)[0]
    title = f"{_benchmarks(tasks)}, {over}: scores without target labels"
    return Table(title, tuple(scores), tuple(ours), (f"{_choice(names)}", untested))


def _row(line: Line, runs: Runs, columns: list[tuple[list[str], str]]) -> Row:
    """Build the row of a method; a column has tasks to average over, and a selector."""
    cells = tuple(_cell(runs, *column) for column in columns)
    counts = [len(by_seed) for by_seed in runs.values()]
    seeds = "-".join(map(str, sorted({min(counts), max(counts)})))
    return Row(line.marked_label, int(line.labels or line.oracle), cells, seeds)


def _cell(runs: Runs, tasks: list[str], selector: str) -> Cell:
    mean, deviation = aggregate.average(runs, tasks, selector)
    repeated = mean is not None and aggregate.most_repeated(runs, tasks) > 0
    return Cell(mean, deviation, repeated=repeated)


def _with_best(rows: tuple[Row, ...], best: Callable[..., str]) -> tuple[Row, ...]:
    """Mark the best number of each column as it is printed, unless it has no rival."""
    columns = zip(*(row.cells for row in rows if row.section == 0), strict=True)
    numbers = [[cell.number for cell in column if cell.number] for column in columns]
    tops = [best(column, key=float) if len(column) > 1 else None for column in numbers]
    marked = []
    for row in rows:
        pairs = zip(row.cells, tops, strict=True)
        cells = tuple(replace(cell, best=cell.number == top) for cell, top in pairs)
        marked.append(replace(row, cells=cells) if row.section == 0 else row)
    return tuple(marked)


def _benchmarks(tasks: list[str]) -> str:
    return ", ".join(dict.fromkeys(TaskName.parse(task).benchmark for task in tasks))


def _heads(tasks: list[str], targets: bool = False) -> list[str]:
    """Return short names of tasks, or of targets alone; the full names if these are ambiguous."""
    names = [TaskName.parse(task) for task in tasks]
    one = len({name.benchmark for name in names}) == 1
    heads = []
    for name in names:
        pair = [name.target] if targets and name.target else filter(None, name.pair)
        own = "-".join(map(short_domain, pair))
        if len(name.sources) > 2:
            own = f"{len(name.sources)} sources-{short_domain(name.target)}"
        benchmark = "" if one and own else name.benchmark
        heads.append(":".join(filter(None, [benchmark, own])) + name.end)
    return heads if len(set(heads)) == len(tasks) else tasks


def _sources(tasks: list[str]) -> list[tuple[str, list[str]]]:
    """Return each source with its tasks if tasks are many and sources few, otherwise nothing."""
    parts = aggregate.group_by_source(tasks).values()
    if len(tasks) <= FEW or not 1 < len(parts) <= FEW:
        return []
    return [(short_domain(TaskName.parse(part[0]).source), part) for part in parts]


def _groups(tasks: list[str], heads: tuple[str, ...]) -> tuple[Group, ...]:
    """Return the pieces of a table with many tasks; none for a table with few."""
    if len(tasks) <= FEW:
        return ()
    columns, end = tuple(range(len(heads))), len(tasks)
    if sources := _sources(tasks):
        groups = [
            Group(f"from {source} to", tuple(map(tasks.index, part)), tuple(_heads(part, True)))
            for source, part in sources
        ]
        return (*groups, Group("average from", columns[end:], (*(s for s, _ in sources), "all")))
    cuts = [slice(start, min(start + FEW, end)) for start in range(0, end, FEW)]
    return tuple(Group("method", columns[cut], heads[cut]) for cut in [*cuts, slice(end, None)])


def _progress(count: int, wanted: Sequence[Record] | None) -> str:
    """Say how many runs have records, out of how many, and which rows have none."""
    if wanted is None:
        return f"{count} runs, "
    if count == len(wanted):
        return f"{count} of {count} runs, "
    missing = ", ".join(
        line.label
        for line, runs in aggregate.group_records(wanted).items()
        if not any(r.curve for by_seed in runs.values() for r in by_seed.values())
    )
    none = f" (none yet of {missing})" if missing else ""
    return f"only {count} of {len(wanted)} runs{none}, "


def _choice(names: list[str]) -> str:
    if len(names) > 1:
        return "each at the evaluation that its column chooses"
    if names == ["oracle"]:
        return "each at its best evaluation (oracle: chosen with target labels)"
    if names == ["last"]:
        return "each at its last evaluation"
    return f"each at the evaluation that {names[0]} chooses, without target labels"
