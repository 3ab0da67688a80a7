"""Make tables from records: method by task, or method by selector. Does not import torch."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from da.results import aggregate, literature_rows, table_csv, table_render
from da.results.aggregate import Line, Runs
from da.results.best_rows import mark_best
from da.results.label_columns import keep_runs, list_columns
from da.results.literature.lookup import check_papers
from da.results.negative_transfer import add_count
from da.results.record_schema import LABELED
from da.results.records import Record
from da.results.shown_metric import FALLING, TITLES
from da.results.source_images import describe_source
from da.results.table_cells import make_cell, show_intervals
from da.results.table_columns import group_columns, head_columns, list_sources, name_benchmarks
from da.results.table_content import Content, sort_records
from da.results.table_cost import add_cost
from da.results.table_notes import describe_choice, describe_marks, describe_progress
from da.results.table_render import Cell, Row, Table
from da.results.usual_scores import keep_usual

FORMATS = "terminal", "markdown", "latex", "csv"
"""Formats of a table as text."""


def render_table(
    records: Sequence[Record],
    chosen_by: str | Sequence[str] = ("last",),
    format: str = "terminal",
    wanted: Sequence[Record] | None = None,
    bold: bool = False,
    cost: bool = False,
    label_columns: bool = False,
    metric: str = "",
    papers: Sequence[str] = (),
    interval: bool = False,
    name: str = "results",
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
        papers: Papers whose numbers stand below ours, each by its name or the end of it; empty for
            those that ran most methods.
        interval: Show 95 % intervals, over seeds and over tasks, in place of deviations. CSV has
            them in columns of their own, and lines for averages over tasks.
        name: Name of the table in LaTeX, where a paper refers to it as `tab:NAME`.

    Raises:
        ValueError: A format, selector, metric or paper is unknown (the error names the known
            ones), or there are no records.
    """
    check_papers(papers)
    if format not in FORMATS:
        raise ValueError(f"unknown format {format!r}, known: {', '.join(FORMATS)}")
    chosen_by = chosen_by.split(",") if isinstance(chosen_by, str) else chosen_by
    if format == "csv":
        return table_csv.render_csv(records, chosen_by, metric, papers, interval)
    table = build_table(records, chosen_by, wanted, cost, label_columns, metric, papers, interval)
    if format == "terminal":
        return table_render.render_terminal(table, bold=bold)
    return (
        table_render.render_markdown(table)
        if format == "markdown"
        else table_render.render_latex(table, name)
    )


def build_table(
    records: Sequence[Record],
    chosen_by: Sequence[str] = ("last",),
    wanted: Sequence[Record] | None = None,
    cost: bool = False,
    label_columns: bool = False,
    metric: str = "",
    papers: Sequence[str] = (),
    interval: bool = False,
) -> Table:
    """Build the table of an experiment, before it becomes text.

    Args:
        records: Records of the runs so far.
        chosen_by: What chooses the evaluation of each run, as in `render_table`.
        wanted: A record of every run of the experiment, as in `render_table`.
        cost: Show averages over tasks and the cost of a run on each machine.
        label_columns: Show the accuracy of each label column, and the mean, averaged over tasks.
        metric: What is shown, as in `render_table`.
        papers: Papers whose numbers count, as in `render_table`.
        interval: Show 95 % intervals in place of deviations.

    Raises:
        ValueError: A selector, metric or paper is unknown, or there are no records.
    """
    content = sort_records(records, metric)
    how = {"cost": cost, "label_columns": label_columns, "interval": interval}
    return _build(content, chosen_by, describe_progress(len(records), wanted), papers, **how)


def build_tables(
    records: Sequence[Record],
    choosers: Sequence[Sequence[str]],
    wanted: Sequence[Record] | None = None,
    papers: Sequence[str] = (),
) -> list[Table]:
    """Build several tables of the same records, which are sorted once.

    Args:
        records: Records of the runs so far.
        choosers: What chooses the evaluation of each run, for each table as in `build_table`.
        wanted: A record of every run of the experiment, as in `render_table`.
        papers: Papers whose numbers count, as in `render_table`.

    Raises:
        ValueError: A selector or paper is unknown, or there are no records.
    """
    content, progress = sort_records(records, ""), describe_progress(len(records), wanted)
    return [_build(content, chosen_by, progress, papers) for chosen_by in choosers]


def _build(
    content: Content,
    chosen_by: Sequence[str],
    progress: str,
    papers: Sequence[str] = (),
    *,
    cost: bool = False,
    label_columns: bool = False,
    interval: bool = False,
) -> Table:
    tested, rows, tasks = content.tested, content.rows, content.tasks
    if content.metric in FALLING and "oracle" in chosen_by:
        raise ValueError(
            f"oracle chooses the highest evaluation, and {content.metric} is better below"
        )
    names = aggregate.check_selectors(tested, chosen_by, content.known)
    if not any(map(aggregate.has_accuracy, tested)):
        table = _by_score(content, names)
        return show_intervals(table, (-inf, inf)) if interval else table
    columns = list_columns(tested)
    if label_columns:
        table = _by_column(rows, tasks, names, columns)
    elif len(names) == 1 and not cost:
        table = _by_task(content, names[0], papers)
    else:
        table = _by_selector(content, names)
    notes = [progress + describe_choice(names), *filter(None, [content.untested])]
    notes += describe_source(tested, names)
    notes += describe_marks(rows, tasks, [] if label_columns else columns)
    best = min if content.metric in FALLING else max
    table = mark_best(replace(table, notes=(*notes, *table.notes)), best)
    if not label_columns:
        table = add_count(table, content.choose(names[0]), tasks, best)
    table = add_cost(table, rows) if cost else table
    return show_intervals(table) if interval else table


def header_and_rows(table: Table) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of a table as plain text, for W&B and other viewers of tables."""
    rows = [[row.label, *map(str, row.cells), row.seeds] for row in table.rows]
    return ["method", *table.heads, "seeds"], rows


def _by_task(content: Content, selector: str, papers: Sequence[str]) -> Table:
    """Build a table with a column per task, an average over all, and for many one per source."""
    tasks, rows = content.tasks, content.choose(selector)
    sums = [(f"from {source}", part) for source, part in list_sources(tasks)]
    sums += [("average", tasks)] if len(tasks) > 1 else []
    columns = [*([task] for task in tasks), *(part for _, part in sums)]
    ours = {
        line: _row(line, runs, [make_cell(runs, c, "last") for c in columns])
        for line, runs in rows.items()
    }
    theirs, notes = literature_rows.reference_rows(ours, content.find_printed(columns, papers))
    spread = any(cell.deviation is not None for row in ours.values() for cell in row.cells)
    title = f"{name_benchmarks(tasks)}: {TITLES[content.metric]} in %"
    title += ", mean ± deviation over seeds" * spread
    heads = (*head_columns(tasks), *(head for head, _ in sums))
    groups = group_columns(tasks, heads)
    return Table(title, heads, (*ours.values(), *theirs), tuple(notes), groups)


def _by_selector(content: Content, names: list[str]) -> Table:
    """Build a table with a column per selector, each averaged over all tasks."""
    tasks = content.tasks
    ours = []
    for line, runs in content.rows.items():
        kept = (content.choose(name)[line] for name in names)
        ours.append(_row(line, runs, [make_cell(own, tasks, "last") for own in kept]))
    over = f"mean of {len(tasks)} tasks" if len(tasks) > 1 else head_columns(tasks)[0]
    what = f"{TITLES[content.metric]} in %, by what chose each run's evaluation"
    labeled = [name for name in names if name in LABELED]
    heads = tuple(f"{name} ‡" if name in labeled else name for name in names)
    notes = tuple(f"‡ {name}: chosen with target labels" for name in labeled)
    return Table(f"{name_benchmarks(tasks)}, {over}: {what}", heads, tuple(ours), notes)


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
        ours.append(_row(line, runs, [make_cell(kept, tasks, "last") for kept in each]))
    over = f"mean of {len(tasks)} tasks" if len(tasks) > 1 else head_columns(tasks)[0]
    title = f"{name_benchmarks(tasks)}, {over}: target accuracy in %, by label column"
    return Table(title, tuple(columns), tuple(ours), ())


def _by_score(content: Content, names: list[str]) -> Table:
    """Build a table of the selectors' scores, of runs that have no target accuracy.

    Raises:
        ValueError: Several selectors are to choose.
    """
    if len(names) > 1:
        raise ValueError(f"{content.untested}; choose by one selector, not {', '.join(names)}")
    tested, tasks = content.tested, content.tasks
    scores = keep_usual(aggregate.list_scores(tested[0].curve), tested)
    digits = {score: 1 if score == "source_accuracy" else 3 for score in scores}
    ours = []
    for line, runs in content.rows.items():
        cells = [make_cell(runs, tasks, names[0], score, n) for score, n in digits.items()]
        ours.append(_row(line, runs, cells))
    over = f"mean of {len(tasks)} tasks" if len(tasks) > 1 else head_columns(tasks)[0]
    title = f"{name_benchmarks(tasks)}, {over}: scores without target labels"
    notes = describe_choice(names), content.untested, *describe_source(tested, scores)
    return Table(title, tuple(scores), tuple(ours), notes)


def _row(line: Line, runs: Runs, cells: Sequence[Cell]) -> Row:
    """Build the row of a method from its cells."""
    counts = [len(by_seed) for by_seed in runs.values()]
    seeds = "-".join(map(str, sorted({min(counts), max(counts)})))
    return Row(line.marked_label, int(line.labels or line.oracle), tuple(cells), seeds)
