"""Scores of trials that several selectors choose among, or a gate: each depends on the others."""

from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

from da.results.choosers import GATE, JOIN, score_points
from da.results.records import Point

MEANS = "means"
"""Attribute of a trial: after each part of its runs, their number and the mean of each score."""


def is_combined(chosen_by: str) -> bool:
    """Return whether a chooser's score of a trial depends on other trials."""
    return JOIN in chosen_by


def add_means(trial: Any, step: int, points: Sequence[Point]) -> list[Any]:
    """Return the attribute `MEANS` of a trial after a further part of its runs.

    Args:
        trial: The trial so far.
        step: Index of the part, from 0.
        points: Scores of all runs so far.
    """
    means = {key: fmean(point[key] for point in points) for key in points[0]}
    return [*trial.user_attrs.get(MEANS, [])[:step], [len(points), means]]


def combined_scores(trials: Sequence[Any], chosen_by: str) -> dict[int, float]:
    """Return the score of each trial that has means, by number.

    A trial is compared with those that came as far. A mean rank is a share of their number. What a
    gate does not let pass has minus infinity.

    Args:
        trials: Trials as Optuna stores them.
        chosen_by: Name of the chooser.
    """
    reached = {t.number: t.user_attrs[MEANS] for t in trials if t.user_attrs.get(MEANS)}
    found = {}
    for last in {len(means) for means in reached.values()}:
        among = {n: means[last - 1][1] for n, means in reached.items() if len(means) >= last}
        values = score_points(list(among.values()), chosen_by)
        for number, value in zip(among, values, strict=True):
            if len(reached[number]) == last:
                found[number] = value / (len(among) if _ranks(chosen_by) else 1)
    return found


def is_below_median(trial: Any, others: Sequence[Any], chosen_by: str) -> bool:
    """Return whether a trial is below the median of others that came as far.

    Args:
        trial: Trial that has just ended a part of its runs.
        others: Those that are compared with it.
        chosen_by: Name of the chooser.
    """
    step = len(trial.user_attrs[MEANS]) - 1
    means = [t.user_attrs[MEANS][step][1] for t in (trial, *others)]
    own, *rest = score_points(means, chosen_by)
    return own < median(rest)


def _ranks(chosen_by: str) -> bool:
    return len({*chosen_by.split(JOIN)} - {GATE}) > 1
