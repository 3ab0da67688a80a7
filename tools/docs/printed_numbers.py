"""Tables of the numbers that papers print of a data set, setting by setting."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from da.results.literature.benchmarks import BENCHMARKS, Benchmark, numbers_of
from da.results.literature.numbers import Row
from da.results.literature.printed import METHODS, METRICS, PAPERS
from tools.docs.markdown import table

MOST_COLUMNS, MOST_OTHERS = 5, 3
"""Most columns of a table, and most methods in each that are not of this package."""

SHOWN = (
    *(
        name
        for metric in ("hos", "h_score", "accuracy", "mean_class", "os")
        for name in METRICS[metric]
    ),
    *("accuracy [model selection: training-domain validation]", "macro F1", "error"),
)
"""Metrics of a setting, of which the first that is there is shown."""

BY_TASK = ("digits",)
"""Benchmarks whose papers have nearly as many backbones, so that columns are tasks."""

INTRO = """Averages over tasks, and else single tasks, in %. Methods are those that are here, and up
to {most} others a column. `da table` shows a number below yours where data set, setting, backbone
and metric are the same."""


@dataclass
class Cites:
    """Sources of numbers, by the order in which a page has them."""

    found: list[str] = field(default_factory=list)

    def mark(self, row: Row, backbone: bool) -> str:
        """Return a number with the mark of its source."""
        text = f"{row.paper}{f', {row.backbone}' if backbone else ''}: {row.where}"
        if text not in self.found:
            self.found.append(text)
        return f"{row.value} [{self.found.index(text) + 1}]"


def render_numbers(data: str, metric: str) -> str:
    """Render what is printed of a data set; nothing where nothing is.

    Args:
        data: Our data set.
        metric: Its usual metric.
    """
    cites = Cites()
    parts = [_render(each, metric, cites) for each in BENCHMARKS if each.data == data]
    if not any(parts):
        return ""
    notes = "\n".join(f"{i}. {text}" for i, text in enumerate(cites.found, 1))
    return "\n\n".join([INTRO.format(most=MOST_OTHERS), *filter(None, parts), notes])


def _render(benchmark: Benchmark, metric: str, cites: Cites) -> str:
    """Render the table of a benchmark: a row a method, a column a backbone or a task."""
    order = [*METRICS.get(metric, ()), *SHOWN]
    read = [row for row in numbers_of(benchmark) if row.seen and "public re-imp" not in row.paper]
    shown = next((name for name in order if any(row.metric == name for row in read)), "")
    rows = [row for row in read if row.metric == shown]
    means = [row for row in rows if row.source == "avg" == row.target or "mean of" in row.target]
    single = [row for row in rows if row.source != "avg"]
    several = len({(row.source, row.target) for row in single}) > 1
    by_task = benchmark.name in BY_TASK or (several and not means)
    means = single if by_task or not means else means
    columns = _columns(means, by_task)
    names = sorted(_methods(columns), key=lambda name: (name != "source-only", name.lower()))
    if not names:
        return ""
    lines = [[name, *(_cell(c, name, cites, by_task) for c in columns.values())] for name in names]
    head = f"### {benchmark.name}\n\n{_setting(benchmark)} Shown: {shown}.\n\n"
    return head + table(["method", *columns], lines, range(1, len(columns) + 1))


def _setting(benchmark: Benchmark) -> str:
    """Say which of our tasks a benchmark is."""
    end = benchmark.settings[0]
    if end == "several":
        return "Tasks of all other domains as sources."
    if " " in end:
        return f"{end[0].upper()}{end[1:]}."
    end, each, _ = end.partition("*15")
    targets = ", with the 15 corruptions of tables as targets" if each else ""
    return f"Tasks with `+{end}`{targets}." if end else "Tasks without an end."


def _columns(rows: Sequence[Row], by_task: bool) -> dict[str, list[Row]]:
    """Sort rows by backbone or by task, those with the most methods first."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        pair = f"{row.source} to {row.target}"
        found.setdefault(pair if by_task else _plain(row.backbone), []).append(row)
    methods = Counter({key: len({row.method for row in some}) for key, some in found.items()})
    return {key: found[key] for key, _ in methods.most_common(MOST_COLUMNS)}


def _plain(backbone: str) -> str:
    """Return the name of a backbone without how it was listed or that it trained."""
    return backbone.removesuffix(" (as listed)").removesuffix(" (fine-tuned)")


def _methods(columns: dict[str, list[Row]]) -> set[str]:
    """Return the methods to show: ours, the baselines, and the best others of each column."""
    ours = {name for names in METHODS.values() for name in names}
    found = set()
    for rows in columns.values():
        best = sorted(rows, key=lambda row: row.value, reverse="error" not in rows[0].metric)
        others = list(dict.fromkeys(row.method for row in best if row.method not in ours))
        found |= {row.method for row in rows if row.method in ours} | {*others[:MOST_OTHERS]}
    return found


def _cell(rows: Sequence[Row], method: str, cites: Cites, backbone: bool) -> str:
    """Return the number of a method from the paper that counts first."""
    own = [row for row in rows if row.method == method]
    return cites.mark(min(own, key=_rank), backbone) if own else ""


def _rank(row: Row) -> int:
    papers = list(PAPERS)
    return next((i for i, key in enumerate(papers) if row.paper.endswith(key)), len(papers))
