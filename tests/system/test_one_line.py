import pytest

from da.system.one_line import LONGEST_LINE, one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("as it is: 5 ± 1, café", "as it is: 5 ± 1, café"),
        ("two\n  lines\tand a tab", "two lines and a tab"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\u202ebackwards \udcff", r"\u202ebackwards \udcff"),
        (ValueError("an error"), "an error"),
        (OSError(36, "File name too long", "a"), "File name too long: 'a'"),
    ],
)
def test_a_line_has_nothing_that_a_terminal_obeys(text, line):
    assert one_line(text) == line


@pytest.mark.parametrize("long", ["x" * 9999, repr("x y " * 9999), "x y " * 9999])
def test_the_middle_of_what_is_long_is_left_out(long):
    line = one_line(f"unknown {long}, known: all else")
    assert line.startswith("unknown ")
    assert line.endswith(", known: all else")
    assert " more characters ...]" in line
    assert len(line) <= LONGEST_LINE
