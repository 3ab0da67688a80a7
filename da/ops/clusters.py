"""Clusters of features, and how they agree with classes."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

ROUNDS = 50
"""Most times that centers move."""


def spherical_kmeans(
    x: Float[Tensor, "n d"], k: int, *, starts: int = 5, seed: int = 0
) -> Int[Tensor, "n"]:
    """Cluster rows of length 1 by their cosines with k centers; return the cluster of each.

    The first centers are rows, each drawn with a probability in proportion to its distance from
    those before it (k-means++). Of several starts, the one with the largest cosines is kept.

    Args:
        x: Rows of length 1.
        k: Number of clusters, at most n.
        starts: Number of starts.
        seed: Seed of the draws.
    """
    generator = torch.Generator().manual_seed(seed)
    found = [_settle(x, _spread(x, k, generator)) for _ in range(starts)]
    return max(found, key=lambda one: one[1])[0]


def _spread(x: Float[Tensor, "n d"], k: int, generator: torch.Generator) -> Float[Tensor, "k d"]:
    """Draw k rows that are far from each other."""
    first = int(torch.randint(len(x), (1,), generator=generator))
    centers, apart = [x[first]], 1 - x @ x[first]
    for _ in range(k - 1):
        weights = apart.clamp_min(0).cpu().double() + 1e-12
        row = int(torch.multinomial(weights, 1, generator=generator))
        centers.append(x[row])
        apart = torch.minimum(apart, 1 - x @ x[row])
    return torch.stack(centers)


def _settle(
    x: Float[Tensor, "n d"], centers: Float[Tensor, "k d"]
) -> tuple[Int[Tensor, "n"], float]:
    """Move centers to the means of their rows until no row changes its cluster."""
    near, before = (x @ centers.T).max(1), None
    for _ in range(ROUNDS):
        if before is not None and near.indices.equal(before):
            break
        before = near.indices
        sums = torch.zeros_like(centers).index_add_(0, before, x)
        counts = before.bincount(minlength=len(centers))
        centers = torch.where(counts[:, None] > 0, F.normalize(sums), centers)
        near = (x @ centers.T).max(1)
    return near.indices, float(near.values.sum())


def mutual_information(a: Int[Tensor, "n"], b: Int[Tensor, "n"]) -> float:
    """Return the normalized mutual information of two labelings, from 0 to 1.

    It is divided by the mean of both entropies; that of two labelings of one group each is 1.
    """
    size = int(b.max()) + 1
    joint = (a * size + b).bincount(minlength=(int(a.max()) + 1) * size).double()
    joint = joint.reshape(-1, size) / len(a)
    ours, theirs, both = (_entropy(p) for p in (joint.sum(1), joint.sum(0), joint.flatten()))
    mean = (ours + theirs) / 2
    return max(0.0, (ours + theirs - both) / mean) if mean > 0 else 1.0


def _entropy(p: Float[Tensor, "_"]) -> float:
    return -float(torch.special.xlogy(p, p).sum())


def kmeans(x: Float[Tensor, "n d"], centers: Float[Tensor, "k d"]) -> Int[Tensor, "n"]:
    """Move centers to the means of the rows nearest to them, and return the center of each row.

    It ends when no row changes its center. A center that loses all rows stays where it is.
    """
    mean, before = x.mean(0), None
    x, centers = x - mean, centers - mean
    for _ in range(ROUNDS):
        near = (centers.square().sum(1) / 2 - x @ centers.T).argmin(1)
        if before is not None and near.equal(before):
            break
        before = near
        means, counts = group_means(x, near, len(centers))
        centers = torch.where(counts[:, None] > 0, means, centers)
    return near


def group_means(
    x: Float[Tensor, "n d"], y: Int[Tensor, "n"], k: int
) -> tuple[Float[Tensor, "k d"], Int[Tensor, "k"]]:
    """Return the mean and the number of the rows of each of `k` groups; 0 for an empty group."""
    counts = y.bincount(minlength=k)
    sums = x.new_zeros(k, x.shape[1]).index_add_(0, y, x)
    return sums / counts.clamp_min(1)[:, None], counts
