"""Propose a chooser from pools whose accuracies are known, and try it on others."""

from collections.abc import Sequence
from dataclasses import dataclass

from da.selection.pools import Pool
from da.selection.study import Verdict, judge

SLACK = 2.0
"""Points by which the worst pick of a proposed chooser may be below the best worst pick."""

USUAL = "infomax"
"""Chooser that a proposed one is compared with."""


@dataclass(frozen=True)
class Trial:
    """A chooser that was proposed from some pools, on pools that it was not chosen on."""

    proposed: Verdict
    """What the proposed chooser reaches there."""
    usual: Verdict
    """What the usual chooser reaches there."""

    @property
    def wins(self) -> bool:
        """Whether the proposed chooser is better in the mean, and no worse in its worst pick."""
        return self.proposed.mean > self.usual.mean and self.proposed.worst >= self.usual.worst


def propose(pools: Sequence[Pool], names: Sequence[str]) -> str:
    """Return the chooser of the best mean among those whose worst pick is near the best one.

    Of equal ones, the first.

    Args:
        pools: Pools with known accuracies.
        names: Choosers to choose from.
    """
    verdicts = [judge(pools, name) for name in names]
    least = max(verdict.worst for verdict in verdicts) - SLACK
    return max((v for v in verdicts if v.worst >= least), key=lambda v: v.mean).name


def try_elsewhere(
    chosen_on: Sequence[Pool], tried_on: Sequence[Pool], names: Sequence[str]
) -> Trial:
    """Propose a chooser from some pools and judge it on others, beside the usual one.

    Args:
        chosen_on: Pools that the rule sees.
        tried_on: Pools that it does not see.
        names: Choosers to choose from.
    """
    return Trial(judge(tried_on, propose(chosen_on, names)), judge(tried_on, USUAL))


def split_by_tasks(pools: Sequence[Pool]) -> tuple[list[Pool], list[Pool]]:
    """Split pools into those of every second task, and those of the others."""
    tasks = sorted({pool.task for pool in pools})
    first = {*tasks[::2]}
    return [p for p in pools if p.task in first], [p for p in pools if p.task not in first]
