"""A finished table as text: for terminals, Markdown, LaTeX. No torch."""

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

WIDTH = 100
"""Of a terminal, in characters."""


@dataclass(frozen=True)
class Cell:
    """A mean with its sample deviation, or nothing."""

    mean: float | None = None
    deviation: float | None = None
    digits: int = 1
    """After the decimal point."""
    best: bool = False
    alike: bool = False
    """Printed for a task that is only alike."""
    cite: str = ""
    """Where it was printed, as in `[1]`."""

    @property
    def number(self) -> str:
        """The mean alone."""
        return "" if self.mean is None else f"{self.mean:,.{self.digits}f}"

    def __str__(self) -> str:
        spread = "" if self.deviation is None else f" ± {self.deviation:.{self.digits}f}"
        return "≈" * self.alike + self.number + spread + f" {self.cite}" * bool(self.cite)


@dataclass(frozen=True)
class Row:
    """What one method reached in every column."""

    label: str
    section: int
    """Rows of a section stand together: 0 fair rows, 1 with target labels, 2 printed in papers."""
    cells: tuple[Cell, ...]
    seeds: str
    """How many, or fewest-most."""


@dataclass(frozen=True)
class Group:
    """Columns that stand alone where the whole table is too wide."""

    stub: str
    """Head of the column of labels, for example `from noto to`."""
    columns: tuple[int, ...]
    heads: tuple[str, ...]
    """What is left to say of each column."""


@dataclass(frozen=True)
class Table:
    """Rows under heads, and what to know when reading them."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    groups: tuple[Group, ...] = ()
    """Only of a table that is too wide for a page; the last sums up the others."""


def significant_digits(value: float, least: int = 0) -> int:
    """How many after the decimal point show two significant ones of `value`."""
    return max(least, 1 - math.floor(math.log10(value))) if value > 0 else least


def render_terminal(table: Table, *, bold: bool = False) -> str:
    """At most 100 characters wide, in blocks where need be; the best bold, or else starred."""
    parts = [part for group in table.groups or [_whole(table)] for part in _packed(table, group)]
    blocks = [_block(table, part, part is parts[-1], bold) for part in parts]
    starred = not bold and any(cell.best for row in table.rows for cell in row.cells)
    notes = [*["* best of its column"] * starred, *table.notes]
    wrapped = [textwrap.fill(note, WIDTH, subsequent_indent="    ") for note in notes]
    return "\n\n".join([table.title, *blocks, "\n".join(wrapped)]) + "\n"


def render_markdown(table: Table) -> str:
    """One table; or where it is wide one that sums up, and the others folded away beneath."""
    notes = "\n".join(f"- {note}" for note in table.notes)
    if not table.groups:
        return "\n\n".join([table.title, _pipes(table, _whole(table), True), notes]) + "\n"
    *details, summary = table.groups
    count = sum(len(group.columns) for group in details)
    opening, closing = f"<details><summary>All {count} tasks</summary>", "</details>"
    folded = [_pipes(table, group, False) for group in details]
    pieces = [table.title, _pipes(table, summary, True), opening, *folded, closing, notes]
    return "\n\n".join(pieces) + "\n"


def render_latex(table: Table) -> str:
    """A float with `booktabs` rules, of several pieces where it is wide."""
    groups = table.groups or (_whole(table),)
    bodies = [_tabular(table, group, group is groups[-1]) for group in groups]
    notes = "\\par\n".join(_escaped(note) for note in table.notes)  # after \\\\ [1] is a length
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}[p]" if table.groups else "\\begin{table}[t]",
        "\\centering",
        "\\footnotesize" if table.groups else "\\small",
        f"\\caption{{{_escaped(table.title)}}}",
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
    """The group itself, or where it is too wide as many columns at a time as fit."""
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
    """Columns side by side, a rule under the header and between sections."""
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
        out += [rule] * (row.section != section) + [line]
        section = row.section
    return "\n".join(out)


def _aligned(head: str, cells: list[Cell], bold: bool) -> list[str]:
    """Head and cells to one width, a gap before and a mark after, decimal points in line."""
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
    """All but those of papers that print nothing here."""
    return [row for row in table.rows if row.section < 2 or any(map(str, _of(row, group)))]


def _of(row: Row, group: Group) -> list[Cell]:
    return [row.cells[i] for i in group.columns]


def _pipes(table: Table, group: Group, seeds: bool) -> str:
    head = [group.stub, *group.heads, *["seeds"] * seeds]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for row in _rows(table, group):
        texts = [f"**{cell}**" if cell.best else str(cell) for cell in _of(row, group)]
        lines.append([row.label.replace("|", "\\|"), *texts, *[row.seeds] * seeds])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _tabular(table: Table, group: Group, seeds: bool) -> str:
    head = [group.stub, *group.heads, *["seeds"] * seeds]
    lines = [f"\\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}", "\\toprule"]
    lines += [" & ".join(map(_escaped, head)) + " \\\\"]
    section = -1
    for row in _rows(table, group):
        pairs = [(_escaped(str(cell)), cell.best) for cell in _of(row, group)]
        texts = [f"\\textbf{{{text}}}" if best else text for text, best in pairs]
        lines += ["\\midrule"] * (row.section != section)
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
}


def _escaped(text: str) -> str:
    return "".join(_TEX.get(c, c) for c in text)
