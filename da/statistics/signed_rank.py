"""Wilcoxon's signed-rank test over tasks, and Holm's correction for many comparisons."""

import numpy as np
from jaxtyping import Float

ERROR = 0.05
"""Share of tables in which any claim of a difference may be wrong."""

DECIMALS = 9
"""Decimals to which differences count, so that ties are ties in spite of rounding."""


def signed_rank_p_value(differences: Float[np.ndarray, "tasks"]) -> float:
    """Return the two-sided p-value of Wilcoxon (1945), exact with ties too.

    Tasks without a difference are left out. The distribution is that of all signs of the ranks.
    """
    doubled, signs = _doubled_ranks(differences)
    chance = np.ones(1)
    for rank in doubled:
        longer = np.zeros(len(chance) + rank)
        longer[: len(chance)] = chance / 2
        longer[rank:] += chance / 2
        chance = longer
    least = min(doubled[signs > 0].sum(), doubled[signs < 0].sum())
    return min(1.0, 2 * float(chance[: least + 1].sum()))


def adjust_holm(values: Float[np.ndarray, "comparisons"]) -> Float[np.ndarray, "comparisons"]:
    """Return p-values corrected for their number, so that any error is rare (Holm 1979)."""
    order = np.argsort(values)
    left = np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * left), 1)
    return adjusted


def _doubled_ranks(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return twice the ranks of the sizes of differences, mean ranks of ties, and their signs."""
    rounded = np.round(differences, DECIMALS)
    rounded = rounded[rounded != 0]
    _, place, ties = np.unique(abs(rounded), return_inverse=True, return_counts=True)
    doubled = 2 * ties.cumsum() - ties + 1
    return doubled[place].astype(int), np.sign(rounded)
