"""Options of streams: what is understood, and what is told."""

import pytest

from da.config.stream_options import StreamOptions, list_visits


def test_options_are_read_in_any_order():
    assert StreamOptions.parse("") == StreamOptions("shuffled", None, "continual")
    assert StreamOptions.parse("reset,dirichlet0.1") == StreamOptions("dirichlet", 0.1, "reset")
    assert StreamOptions.parse("sorted,mixed") == StreamOptions("sorted", None, "mixed")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sort", "unknown option 'sort' of .stream, known: listed, shuffled, .* mixed$"),
        ("dirichlet", "unknown option 'dirichlet'"),
        ("dirichlet0", "unknown option 'dirichlet0'"),
        ("reset5", "unknown option 'reset5'"),
        ("reset,", "unknown option ''"),
        ("reset,mixed", "options reset and mixed of .stream exclude each other"),
        ("listed,listed", "options listed and listed"),
    ],
)
def test_what_is_no_option_is_told(text, said):
    with pytest.raises(ValueError, match=said):
        StreamOptions.parse(text)


def test_severities_go_up_and_down():
    names = [f"{c}{s}" for c in ("fog", "snow") for s in (2, 1, 3)]
    visits = list_visits(StreamOptions(shifts="gradual"), names)
    want = "fog1 fog2 fog3 fog2 fog1 snow1 snow2 snow3 snow2 snow1"
    assert [names[place] for place in visits] == want.split()
    assert list_visits(StreamOptions(shifts="gradual"), ["fog5"]) == [0]
    assert list_visits(StreamOptions(), names) == [*range(6)]
    with pytest.raises(ValueError, match=r"known: of domains with severities .* not 'clean'"):
        list_visits(StreamOptions(shifts="gradual"), ["fog1", "clean"])
