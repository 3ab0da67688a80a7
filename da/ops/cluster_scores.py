"""How well a grouping fits features, or another grouping, beyond chance."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from da.ops.linalg import squared_distances
from da.ops.matmul import matmul


def silhouette(x: Float[Tensor, "n d"], y: Int[Tensor, "n"]) -> float:
    """Return the mean silhouette of the rows in their groups, -1 to 1 (Rousseeuw 1987).

    A row's is (b - a) / max(a, b), where a is its mean distance to others of its group, and b that
    to the rows of the nearest other group. It is 0 for a row that is alone in its group, and the
    mean is NaN where there are less than two groups.
    """
    ones = torch.nn.functional.one_hot(y.unique(return_inverse=True)[1]).to(x)
    counts = ones.sum(0)
    if len(counts) < 2:
        return float("nan")
    apart = squared_distances(x, x).fill_diagonal_(0).sqrt_()
    sums, own = matmul(apart, ones), ones.bool()
    a = sums[own] / (counts - 1).clamp_min(1)[own.to(torch.uint8).argmax(1)]
    b = (sums / counts).masked_fill_(own, torch.inf).amin(1)
    larger = torch.maximum(a, b).clamp_min(torch.finfo(x.dtype).tiny)
    alone = (ones @ counts) == 1
    return ((b - a) / larger).masked_fill_(alone, 0).mean().item()


def adjusted_mutual_information(a: Int[Tensor, "n"], b: Int[Tensor, "n"]) -> float:
    """Return the mutual information of two groupings beyond what chance gives, 1 at most.

    It is that of Vinh et al. 2010, divided by the mean of both entropies beyond the same chance. It
    is 1 where both groupings are one group, or where each row is a group of its own in both.
    """
    a, b = (y.unique(return_inverse=True)[1] for y in (a, b))
    width = int(b.max()) + 1
    counts = (a * width + b).bincount(minlength=(int(a.max()) + 1) * width).reshape(-1, width)
    ours, theirs = counts.sum(1), counts.sum(0)
    if len(ours) == len(theirs) and len(ours) in (1, len(a)):
        return 1.0
    entropies = _entropy(ours) + _entropy(theirs)
    chance = _expected_information(ours, theirs)
    most = entropies / 2 - chance
    found = entropies - _entropy(counts.flatten()) - chance
    return found / most if abs(most) > 1e-12 else 0.0


def _entropy(counts: Int[Tensor, "_"]) -> float:
    p = counts.double() / counts.sum()
    return torch.special.entr(p).sum().item()


def _expected_information(a: Int[Tensor, "p"], b: Int[Tensor, "q"]) -> float:
    """Return the mean mutual information of random groupings with these sizes of groups."""
    n = int(a.sum())
    log_factorials = torch.lgamma(torch.arange(n + 1).double() + 1)
    total = 0.0
    for size in a.tolist():
        least, most = (size + b - n).clamp_min(1), b.clamp_max(size)
        lengths = most - least + 1
        other = b.repeat_interleave(lengths)
        first = (least - lengths.cumsum(0) + lengths).repeat_interleave(lengths)
        both = torch.arange(len(other)) + first
        ways = _log_ways(size, other, both, log_factorials)
        share = both.double() / n
        total += (ways.exp() * share * (share * n * n / (size * other)).log()).sum().item()
    return total


def _log_ways(
    size: int, other: Int[Tensor, "_"], both: Int[Tensor, "_"], log_factorials: Float[Tensor, "_"]
) -> Float[Tensor, "_"]:
    """Return the log-probability that groups of these sizes share `both` rows by chance.

    Args:
        size: Number of rows of the group in the first grouping.
        other: Numbers of rows of groups in the second.
        both: Numbers of rows that both groups have.
        log_factorials: Logarithms of the factorials of 0, 1, ..., up to the number of all rows.
    """
    f, n = log_factorials, len(log_factorials) - 1
    chosen = f[size] - f[both] - f[size - both]
    rest = f[n - size] - f[other - both] - f[n - size - other + both]
    return chosen + rest - (f[n] - f[other] - f[n - other])
