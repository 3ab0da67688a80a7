"""Columns of text line up."""

from da.results.text_columns import align


def test_some_columns_are_flush_left_and_the_others_flush_right():
    rows = [("method", "step", ""), ("dann", "12345", "x")]
    assert align(rows, left=1) == ["method   step", "dann    12345  x"]
    assert align(rows) == ["method   step", "  dann  12345  x"]


def test_columns_are_as_wide_as_wanted():
    assert align([("a", "b")], left=1, least=3) == ["a      b"]
