import re

import pytest

from da.results.table_render import (
    Cell,
    Group,
    Row,
    Table,
    render_latex,
    render_markdown,
    render_terminal,
)

AWKWARD = "5%&#{$}~^\\"
TEXTS = {"terminal": render_terminal, "markdown": render_markdown, "latex": render_latex}


def table(label: str = "coral_map", wide: bool = False) -> Table:
    """Two fair rows, one with target labels, one printed; of four tasks and their average."""
    heads = "a-b", "a-c", "d-b", "d-c", "average"
    rows = (
        Row(label, 0, tuple(Cell(50.0 + i, 0.4) for i in range(5)), "3"),
        Row("best|one", 0, tuple(Cell(60.0 + i, 1.0, best=True) for i in range(5)), "3"),
        Row("target_only †", 1, tuple(Cell(100.0) for _ in range(5)), "1"),
        Row("dann, printed", 2, (Cell(76.66, digits=2, alike=True, cite="[1]"), *[Cell()] * 4), ""),
    )
    groups = (
        Group("from a to", (0, 1), ("b", "c")),
        Group("from d to", (2, 3), ("b", "c")),
        Group("average from", (4,), ("all",)),
    )
    return Table("t: in %", heads, rows, ("a note", "[1] a paper"), groups if wide else ())


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("style", TEXTS)
def test_all_is_shown(style: str, wide: bool) -> None:
    text = TEXTS[style](table(wide=wide))
    for i in range(5):
        assert f"{50 + i}.0" in text
        assert f"{60 + i}.0" in text
    assert "76.66 [1]" in text
    assert "[1] a paper" in text


def test_terminal_as_it_should_look() -> None:
    rows = tuple(Row(r.label, r.section, r.cells[:1], r.seeds) for r in table().rows)
    assert render_terminal(Table("t", ("a-b",), rows, ("a note",))) == (
        "t\n"
        "\n"
        "method                 a-b  seeds\n"
        "─────────────────────────────────\n"
        "coral_map       50.0 ± 0.4      3\n"
        "best|one        60.0 ± 1.0*     3\n"
        "─────────────────────────────────\n"
        "target_only †  100.0            1\n"
        "─────────────────────────────────\n"
        "dann, printed  ≈76.66 [1]\n"
        "\n"
        "* best of its column\n"
        "a note\n"
    )


def test_bold_for_a_terminal_that_can() -> None:
    text = render_terminal(table(), bold=True)
    assert text.count("\033[1m") == text.count("\033[0m") == 5
    assert "*" not in text


def test_the_best_is_bold_in_markdown_and_latex() -> None:
    assert render_markdown(table()).count("**60.0 ± 1.0**") == 1
    assert render_latex(table()).count(r"\textbf{60.0 $\pm$ 1.0}") == 1


def test_long_labels_and_notes_keep_to_the_width() -> None:
    long = table("x" * 60)
    text = render_terminal(Table(long.title, long.heads, long.rows, ("word " * 50,)))
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("method ") > 1


def test_a_printed_row_stays_away_from_pieces_without_a_number_of_it() -> None:
    for style in TEXTS.values():
        assert style(table(wide=True)).count("dann, printed") == 1


def test_markdown_rows_have_as_many_cells_as_the_header() -> None:
    lines = [line for line in render_markdown(table()).splitlines() if line.startswith("|")]
    assert len(lines) == 6
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {8}


def test_wide_markdown_sums_up_first_and_folds_the_rest() -> None:
    text = render_markdown(table(wide=True))
    assert "All 4 tasks" in text
    places = [text.index(part) for part in ("average from", "<details>", "from a to", "</details>")]
    assert places == sorted(places)
    assert re.search(r"</summary>\n\n\|", text)


def test_latex_escapes() -> None:
    text = render_latex(table(AWKWARD))
    assert r"5\%\&\#\{\$\}\textasciitilde{}\textasciicircum{}\textbackslash{}" in text
    assert r"target\_only $\dagger$" in text
    assert r"$\approx$76.66" in text
    assert "\\caption{t: in \\%.}\n\\label{tab:results}\n" in text
    assert text.isascii()


def test_latex_refers_to_a_table_by_a_name_without_special_characters() -> None:
    assert "\\label{tab:my-5-ablation}\n" in render_latex(table(), "my_5%ablation")


@pytest.mark.parametrize("wide", [False, True])
def test_latex_rows_have_as_many_cells_as_the_header(wide: bool) -> None:
    bodies = re.findall(r"(?s)begin\{tabular\}\{(\w+)\}(.*?)\\end", render_latex(table(wide=wide)))
    assert len(bodies) == (3 if wide else 1)
    for columns, body in bodies:
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len(rows) >= 4
        assert {line.count(" & ") for line in rows} == {len(columns) - 1}


def test_latex_does_not_take_a_footnote_for_a_length() -> None:
    assert not re.search(r"\\\\\s*\[", render_latex(table()))


def test_two_intervals_are_no_link_in_markdown():
    cell = Cell(1.5, intervals=((1.0, 2.0), (0.0, 3.0)))
    told = render_markdown(Table("t", ("a",), (Row("dann", 0, (cell,), "1"),), ()))
    assert "| 1.5 [1.0, 2.0] \\[0.0, 3.0] |" in told
