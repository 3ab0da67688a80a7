"""Compare combined models with single ones, and render that as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from da.config.task_name import TaskName
from da.evaluation import kept_outputs
from da.evaluation.predictions import accuracy
from da.results.choosers import check_chooser, choose
from da.results.label_columns import ACCURACY
from da.results.negative_transfer import BASELINE
from da.results.text_columns import align
from da.selection.aggregate import RULES, Weights, combine, stack_probabilities
from da.selection.members import load_outputs
from da.selection.pools import Candidate
from da.selection.study import mark_chooser

SHOWN = 3
"""Digits of a weight after the point."""


@dataclass(frozen=True)
class Combined:
    """Models of one task and seed, and what they reach together."""

    task: str
    """Name of the task."""
    seed: int
    """Seed of the runs."""
    members: Sequence[Candidate]
    """Single models."""
    weights: dict[str, Weights]
    """Weights of the models by each rule."""
    reached: dict[str, float]
    """Target accuracy of the combined model by each rule; none where the target has no labels."""

    def baseline(self) -> float | None:
        """Return the mean accuracy of source_only; None where it is not there."""
        own = [m.point[ACCURACY] for m in self.members if m.record.settings["method"] == BASELINE]
        return fmean(own) if own else None

    def pick(self, selector: str) -> Candidate:
        """Return the model that a chooser takes; of equal ones, the last.

        Raises:
            ValueError: The chooser is unknown, or a model lacks a score.
        """
        points = [member.point for member in self.members]
        known = set.intersection(*({k for k in point if "/" not in k} for point in points))
        oracle = ["oracle"] * (ACCURACY in known)
        check_chooser(selector, [*sorted(known - {"step", ACCURACY}), *oracle])
        return self.members[choose(points, selector)]


def compare(
    task: str, seed: int, members: Sequence[Candidate], names: Sequence[str], results: Path
) -> Combined:
    """Combine models by each rule.

    Args:
        task: Name of their task.
        seed: Seed of their runs.
        members: Models to combine.
        names: Names of rules.
        results: Folder of records and outputs.

    Raises:
        ValueError: The outputs of a model were not kept, or the target has unknown classes.
    """
    if TaskName.parse(task).has_unknown:
        raise ValueError(f"{task} has unknown classes, which combined models do not reject")
    pool = load_outputs(members, results)
    y = kept_outputs.load_target(members[0].record, results).y
    target = stack_probabilities(pool, "target")
    weights = {name: RULES[name](pool) for name in names}
    tested = bool((y >= 0).all())
    reached = {n: accuracy(combine(target, w), y) for n, w in weights.items() if tested}
    return Combined(task, seed, members, weights, reached)


def render_comparison(compared: Sequence[Combined], selectors: Sequence[str]) -> list[str]:
    """Render what single and combined models reach: one group in full, several by their means.

    Args:
        compared: Models of each task and seed.
        selectors: Scores by which one of the models is chosen.
    """
    if not compared:
        raise ValueError("no runs to combine: all of them saw target labels")
    rows = _accuracies(compared, selectors)
    if len(compared) == 1:
        (only,) = compared
        heads = [f"{only.task} seed {only.seed}", "target %", *only.weights]
        each = zip(only.members, *(w.tolist() for w in only.weights.values()), strict=True)
        single = [
            [_label(m, only.members), _percent(m.point.get(ACCURACY)), *map(_weight, shares)]
            for m, *shares in each
        ]
        blank = [""] * len(only.weights)
        own = [[label, _percent(found[0]), *blank] for label, found in rows.items()]
        gap = [[""] * len(heads)] * bool(own)
        return align([heads, *single, *gap, *own], left=1)
    heads = [f"{len(compared)} tasks and seeds", "mean", "lowest", "below"]
    lines = [[label, *_summarize(found, compared)] for label, found in rows.items()]
    return align([heads, *lines], left=1)


def _accuracies(compared: Sequence[Combined], selectors: Sequence[str]) -> dict[str, list[float]]:
    """Return the accuracy of each way to one model, by task and seed."""
    picks = {name: [found.pick(name) for found in compared] for name in selectors}
    if not all(found.reached for found in compared):
        return {}
    picks["oracle"] = [found.pick("oracle") for found in compared]
    baselines = [found.baseline() for found in compared]
    rows: dict[str, list] = {} if None in baselines else {BASELINE: baselines}
    rows |= {
        f"chosen by {mark_chooser(name)}": [pick.point[ACCURACY] for pick in found]
        for name, found in picks.items()
    }
    return rows | {
        name: [found.reached[name] for found in compared] for name in compared[0].reached
    }


def _summarize(found: Sequence[float], compared: Sequence[Combined]) -> list[str]:
    """Return mean and lowest accuracy, and how often it is below that of source_only."""
    pairs = [(own, other.baseline()) for own, other in zip(found, compared, strict=True)]
    worse = [own < least for own, least in pairs if least is not None]
    return [_percent(fmean(found)), _percent(min(found)), f"{sum(worse)}" if worse else ""]


def _label(member: Candidate, members: Sequence[Candidate]) -> str:
    """Return the row of a model, with its step where its run has several models."""
    several = sum(other.record.id == member.record.id for other in members) > 1
    return member.label + f" step {member.point['step']:.0f}" * several


def _weight(value: float) -> str:
    return f"{value:.{SHOWN}f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
