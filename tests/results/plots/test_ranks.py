"""Figures of ranks, intervals and profiles."""

from dataclasses import replace

import numpy as np
import pytest

from da.results.plots.ranks import describe_left_out, plot_profile, plot_ranks
from da.statistics import intervals, pairs
from da.statistics.ranks import critical_difference
from tests.results.test_comparison import EMOJI, STYLES, WAVE, record, rows


def three() -> list:
    """Runs of dann, of mcc that is better everywhere, and of jan that is worse everywhere."""
    worst = [record("jan", task, 40 + i, seed) for i, task in enumerate(EMOJI) for seed in (0, 1)]
    shots = [record("fine_tune", f"{task}+3shot", 90) for task in EMOJI]
    return [*worst, *rows(), *shots]


def test_rows_stand_by_mean_rank_with_intervals_and_wins_of_the_first() -> None:
    figure = plot_ranks(three(), falling=False)
    of_ranks, of_groups, of_means, of_wins = figure.axes
    assert [text.get_text() for text in of_ranks.get_yticklabels()] == ["mcc", "dann", "jan"]
    assert of_ranks.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert not of_groups.lines
    mcc = 50 + np.arange(20)[:, None] + 3 + WAVE
    over_tasks, over_seeds, middle = (line.get_xdata() for line in of_means.lines[:3])
    np.testing.assert_allclose(over_tasks, intervals.interquartile_over_tasks(mcc))
    np.testing.assert_allclose(over_seeds, intervals.interquartile_over_seeds(mcc))
    np.testing.assert_allclose(middle, intervals.interquartile_mean(mcc))
    wilson, share = (line.get_xdata() for line in of_wins.lines[1:3])
    assert share.tolist() == [1.0]
    np.testing.assert_allclose(wilson, pairs.improvement_over_tasks(mcc, mcc - 9))
    said = figure._supxlabel.get_text()
    assert f"{critical_difference(3, 20):.1f} ranks" in said


def test_rows_that_are_not_apart_are_joined() -> None:
    of_groups = plot_ranks(rows(STYLES), falling=False).axes[1]
    assert [line.get_ydata().tolist() for line in of_groups.lines] == [[-0.2, 1.2]]


def test_of_an_error_the_lowest_ranks_first() -> None:
    names = plot_ranks(three(), falling=True).axes[0].get_yticklabels()
    assert [text.get_text() for text in names] == ["jan", "dann", "mcc"]


def test_a_profile_falls_from_one_to_none() -> None:
    lines = plot_profile(three()).axes[0].lines
    assert len(lines) == 3
    assert {line.get_ydata()[-1] for line in lines} == {0}
    assert max(line.get_ydata()[0] for line in lines) == 1


def test_one_row_has_no_rank() -> None:
    alone = [r for r in rows() if r.settings["method"] == "mcc"]
    for plot in (lambda r: plot_ranks(r, falling=False), plot_profile):
        with pytest.raises(
            ValueError, match=r"two rows with all tasks and two tasks, not 1 and 20$"
        ):
            plot(alone)


def test_what_has_no_rank_is_named() -> None:
    """A row that lacks a task, and runs whose target has no labels."""
    [lacks, *_], [blind, *_] = (
        [r for r in three() if r.settings["method"] == name] for name in ("jan", "mcc")
    )
    blind = replace(blind, curve=[{"step": 1, "infomax": 0.1}])
    assert describe_left_out(three()) == []
    some = [r for r in three() if r.settings["method"] != "jan"]
    assert describe_left_out([*some, lacks]) == ["no rank, as tasks are missing: jan (19 of 20)"]
    with pytest.raises(ValueError, match=r"not 1 and 20; no rank, as tasks are missing: jan"):
        plot_profile([*(r for r in some if r.settings["method"] == "mcc"), lacks])
    untested = f"left out, as their targets have no labels: {EMOJI[0]}"
    assert describe_left_out([*some, blind]) == [untested]
    none = [replace(r, curve=blind.curve) for r in rows()]
    with pytest.raises(ValueError, match="not 0 and 20; no target accuracy: the target of "):
        plot_ranks(none, falling=False)
