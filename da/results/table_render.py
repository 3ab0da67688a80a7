"""Render a finished table for terminals, Markdown or LaTeX. Does not import torch."""

import math
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

WIDTH = 100
"""Width of a terminal, in characters."""


@dataclass(frozen=True)
class Cell:
    """A mean with its sample standard deviation, or an empty cell."""

    mean: float | None = None
    """Mean over runs; None for an empty cell."""
    deviation: float | None = None
    """Sample standard deviation; None for none."""
    digits: int = 1
    """Digits after the decimal point."""
    best: bool = False
    """Whether the mean is the best of its column."""
    alike: bool = False
    """Whether the number was printed for a task that is similar, not the same."""
    cite: str = ""
    """Mark of the paper that printed the number, such as `[1]`; empty for none."""
    repeated: bool = False
    """Whether some of the test images are labeled training images too."""
    signed: bool = False
    """Whether a number above 0 has a plus, as a difference has."""
    mark: str = ""
    """Mark after a difference; empty for none."""
    intervals: tuple[tuple[float, float] | None, ...] = ()
    """Ends of intervals of the mean, None for one that is unknown; empty where none are shown."""
    values: Any = field(default=None, compare=False, repr=False)
    """Numbers of the runs, an array of tasks and seeds; None for others than our means."""

    @property
    def number(self) -> str:
        """Text of the mean alone; empty for an empty cell."""
        return "" if self.mean is None else f"{self.mean:{'+' * self.signed},.{self.digits}f}"

    def __str__(self) -> str:
        spread = "" if self.deviation is None else f" ± {self.deviation:.{self.digits}f}"
        spread += "".join(f" [{self._ends(ends)}]" for ends in self.intervals)
        sign = "≈" if self.alike else ""
        cite = f" {self.cite}" if self.cite else ""
        mark = f" {self.mark}" if self.mark else ""
        return sign + self.number + spread + cite + " §" * self.repeated + mark

    def _ends(self, ends: tuple[float, float] | None) -> str:
        return ", ".join(f"{end:.{self.digits}f}" for end in ends) if ends else "-"


@dataclass(frozen=True)
class Row:
    """Results of one method in every column."""

    label: str
    """Name of the row."""
    section: int
    """Section of the table: 0 for fair rows, 1 with target labels, 2 printed in papers."""
    cells: tuple[Cell, ...]
    """One cell per column."""
    seeds: str
    """Number of seeds, or `fewest-most`; empty for printed rows."""


@dataclass(frozen=True)
class Group:
    """Columns that form a table of their own if the whole table is too wide."""

    stub: str
    """Head of the column of labels, for example `from noto to`."""
    columns: tuple[int, ...]
    """Positions of the columns in the whole table."""
    heads: tuple[str, ...]
    """Short heads of the columns, without what `stub` says."""


@dataclass(frozen=True)
class Table:
    """A finished table: rows, heads of its columns, and notes for its readers."""

    title: str
    """Line above the table."""
    heads: tuple[str, ...]
    """Heads of all columns but the first (labels) and the last (seeds)."""
    rows: tuple[Row, ...]
    """Rows, section by section."""
    notes: tuple[str, ...]
    """Footnotes."""
    groups: tuple[Group, ...] = ()
    """Pieces of a table that is too wide for a page, the last a summary; empty for others."""


def significant_digits(value: float, least: int = 0) -> int:
    """Return the digits after the decimal point that show two significant digits of a value.

    Args:
        value: Number to show.
        least: Least number of digits to return.
    """
    return max(least, 1 - math.floor(math.log10(value))) if value > 0 else least


def render_terminal(table: Table, *, bold: bool = False) -> str:
    """Render a table for a terminal, at most 100 characters wide.

    A wide table becomes several blocks.

    Args:
        table: Table to render.
        bold: Show the best of each column in bold, by ANSI codes, instead of with a star.
    """
    parts = [part for group in table.groups or [_whole(table)] for part in _packed(table, group)]
    blocks = [_block(table, part, part is parts[-1], bold) for part in parts]
    notes = list(table.notes)
    if not bold and any(cell.best for row in table.rows for cell in row.cells):
        notes.insert(0, "* best of its column")
    wrapped = [textwrap.fill(note, WIDTH, subsequent_indent="    ") for note in notes]
    return "\n\n".join([table.title, *blocks, "\n".join(wrapped)]) + "\n"


def render_markdown(table: Table) -> str:
    """Render a table as Markdown; a wide one as a summary, with its other pieces folded below."""
    notes = "\n".join(f"- {note}" for note in table.notes)
    if not table.groups:
        return "\n\n".join([table.title, _pipes(table, _whole(table), True), notes]) + "\n"
    *details, summary = table.groups
    count = sum(len(group.columns) for group in details)
    opening, closing = f"<details><summary>All {count} tasks</summary>", "</details>"
    folded = [_pipes(table, group, False) for group in details]
    pieces = [table.title, _pipes(table, summary, True), opening, *folded, closing, notes]
    return "\n\n".join(pieces) + "\n"


def render_latex(table: Table, name: str = "results") -> str:
    """Render a table as a LaTeX float with `booktabs` rules; a wide one in several pieces.

    Args:
        table: Table to render.
        name: Name of the table, to which a paper refers as `\\ref{tab:NAME}`.
    """
    groups = table.groups or (_whole(table),)
    bodies = [_tabular(table, group, group is groups[-1]) for group in groups]
    # Notes begin with [1], which LaTeX would read as a length after \\\\.
    notes = "\\par\n".join(_escaped(note) for note in table.notes)
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}[p]" if table.groups else "\\begin{table}[t]",
        "\\centering",
        "\\footnotesize" if table.groups else "\\small",
        f"\\caption{{{_escaped(table.title)}.}}",
        f"\\label{{tab:{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')}}}",
        "\n\n\\medskip\n".join(bodies),
        "",
        "\\medskip",
        f"\\parbox{{\\linewidth}}{{\\scriptsize\\raggedright\n{notes}}}",
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _whole(table: Table) -> Group:
    return Group("method", tuple(range(len(table.heads))), table.heads)


def _packed(table: Table, group: Group) -> Iterator[Group]:
    """Yield the group, or if it is too wide, parts of it with as many columns as fit."""
    labels = max(map(len, [group.stub, *(row.label for row in table.rows)]))
    full = WIDTH - labels - len("   seeds")
    part: list[int] = []
    room = full
    for i, column in enumerate(group.columns):
        width = len(_aligned(group.heads[i], [row.cells[column] for row in table.rows], False)[0])
        if part and width > room:
            yield _part(group, part)
            part, room = [], full
        part.append(i)
        room -= width
    yield _part(group, part)


def _part(group: Group, wanted: list[int]) -> Group:
    columns = tuple(group.columns[i] for i in wanted)
    return Group(group.stub, columns, tuple(group.heads[i] for i in wanted))


def _block(table: Table, group: Group, seeds: bool, bold: bool) -> str:
    """Render one block of columns, with a rule under the header and between sections."""
    rows = _rows(table, group)
    labels = [group.stub, *(row.label for row in rows)]
    columns = [[label.ljust(max(map(len, labels)) + 1) for label in labels]]
    for i, head in zip(group.columns, group.heads, strict=True):
        columns.append(_aligned(head, [row.cells[i] for row in rows], bold))
    if seeds:
        columns.append([f"{text:>6}" for text in ["seeds", *(row.seeds for row in rows)]])
    lines = ["".join(texts).rstrip() for texts in zip(*columns, strict=True)]
    rule = "─" * (sum(len(column[0]) for column in columns))
    out, section = lines[:1], -1
    for row, line in zip(rows, lines[1:], strict=True):
        if row.section != section:
            out.append(rule)
        out.append(line)
        section = row.section
    return "\n".join(out)


def _aligned(head: str, cells: list[Cell], bold: bool) -> list[str]:
    """Align a head and its cells: one width, a gap before, a mark after, decimal points in line."""
    points = [str(cell).partition(".")[0] for cell in cells]
    marks = ["*" if cell.best and not bold else "" for cell in cells]
    tails = [str(c)[len(p) :] + mark for c, p, mark in zip(cells, points, marks, strict=True)]
    tail = max(len(t) + (not mark) for t, mark in zip(tails, marks, strict=True))
    texts = [f"{p}{t:<{tail}}" for p, t in zip(points, tails, strict=True)]
    width = max(len(head) + 1, *map(len, texts)) + 1
    column = [f"{head} ".rjust(width)]
    for cell, text in zip(cells, texts, strict=True):
        padded = text.rjust(width)
        column.append(f"\033[1m{padded}\033[0m" if cell.best and bold else padded)
    return column


def _rows(table: Table, group: Group) -> list[Row]:
    """Return the rows, without printed rows that are empty in this group."""
    return [row for row in table.rows if row.section < 2 or any(map(str, _cells(row, group)))]


def _cells(row: Row, group: Group) -> list[Cell]:
    return [row.cells[i] for i in group.columns]


def _pipes(table: Table, group: Group, seeds: bool) -> str:
    head = [group.stub, *group.heads, *["seeds"] * seeds]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for row in _rows(table, group):
        texts = [f"**{cell}**" if cell.best else str(cell) for cell in _cells(row, group)]
        texts = [text.replace("] [", "] \\[") for text in texts]  # else a link
        lines.append([row.label.replace("|", "\\|"), *texts, *[row.seeds] * seeds])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _tabular(table: Table, group: Group, seeds: bool) -> str:
    head = [group.stub, *group.heads, *["seeds"] * seeds]
    lines = [f"\\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}", "\\toprule"]
    lines += [" & ".join(map(_escaped, head)) + " \\\\"]
    section = -1
    for row in _rows(table, group):
        pairs = [(_escaped(str(cell)), cell.best) for cell in _cells(row, group)]
        texts = [f"\\textbf{{{text}}}" if best else text for text, best in pairs]
        if row.section != section:
            lines.append("\\midrule")
        lines.append(" & ".join([_escaped(row.label), *texts, *[row.seeds] * seeds]) + " \\\\")
        section = row.section
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"])


_TEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "≈": r"$\approx$",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
    "§": r"\S{}",
}


def _escaped(text: str) -> str:
    return "".join(_TEX.get(c, c) for c in text)
