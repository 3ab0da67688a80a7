"""Agreement with runs of other seeds, in percent (Jiang et al. 2022)."""

from collections.abc import Sequence

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._agreement import count_agreements

AXIS = "agreement with other seeds, %"
RANGE = 0, 100
NEEDS = "logits", "runs"
POOL = "seeds"


def score_pool(pool: Sequence[Predictions]) -> list[float]:
    """Return the mean share of target images on which each agrees with every other, in percent.

    The pool has one evaluation, at the same step, of each of several runs that differ in their
    seeds alone. Two such runs disagree about as often as each errs, where they are calibrated
    together. Higher is better; one run alone has NaN.
    """
    if len(pool) < 2:
        return [float("nan")] * len(pool)
    share = count_agreements([p.target_logits.argmax(1) for p in pool])
    return [100 * value for value in ((share.sum(1) - 1) / (len(pool) - 1)).tolist()]
