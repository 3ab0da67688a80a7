"""Label propagation: classes of labeled rows spread along a graph of near rows."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from da.ops.linalg import squared_distances


def near_affinities(
    x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], width: Float[Tensor, ""], neighbors: int
) -> Float[Tensor, "n m"]:
    """Return exp(-distance² / (2 width²)) of each row of `x` to its nearest rows of `y`, else 0.

    Args:
        x: Rows of features.
        y: Rows of features.
        width: Width of the Gaussian.
        neighbors: Nearest rows that count.
    """
    distances = squared_distances(x, y)
    near = distances.topk(min(neighbors, len(y)), largest=False)
    values = (-near.values / (2 * width.square())).exp()
    return torch.zeros_like(distances).scatter(1, near.indices, values)


def mean_neighbor_distance(x: Float[Tensor, "n d"], neighbors: int) -> Float[Tensor, ""]:
    """Return the mean distance of a row to its nearest others, at least a tiny number."""
    distances = squared_distances(x, x).sqrt()
    distances.fill_diagonal_(torch.inf)
    nearest = distances.topk(max(1, min(neighbors, len(x) - 1)), largest=False).values
    return nearest.where(nearest.isfinite(), 0).mean().clamp_min(1e-6)


def spread_labels(
    near: Float[Tensor, "n n"], y: Int[Tensor, "n"], classes: int, share: float
) -> Float[Tensor, "n k"]:
    """Return how much of each class arrives at each row (Zhou et al. 2004, in closed form).

    F = (1 - a) (I - a S)^-1 Y, where S = D^-½ W D^-½ of the symmetric affinities W.

    Args:
        near: Affinities of all pairs of rows; those of a row with itself do not count.
        y: Class of each row; -1 for none.
        classes: Number of classes.
        share: Share of a row that comes from its neighbors, a.
    """
    w = torch.maximum(near, near.mT).double().fill_diagonal_(0)
    root = w.sum(1).clamp_min(1e-300).rsqrt()
    s = root[:, None] * w * root
    given = (y[:, None] == torch.arange(classes, device=y.device)).double()
    identity = torch.eye(len(y), dtype=s.dtype, device=s.device)
    return (1 - share) * torch.linalg.solve(identity - share * s, given).clamp_min(0)


def normalize_mass(arrived: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
    """Return class shares of each row, once all classes have the same mass over all rows.

    This is class mass normalization (Zhu et al. 2003, section 4) with equal proportions: without
    it a frequent class floods the graph.
    """
    return F.normalize(arrived / arrived.sum(0).clamp_min(1e-12), p=1.0, dim=1)
