"""Logistic regression of two classes, fitted until its gradient all but vanishes."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from da.ops.minimize import minimize
from da.system.threads import one_thread


def fit_logistic(
    x: Float[Tensor, "n d"], y: Float[Tensor, "n"], strength: float, tolerance: float = 1e-6
) -> Float[Tensor, "e"]:
    """Return the weights and, as the last entry, the bias of a logistic regression.

    They minimize the summed cross-entropy plus strength / 2 times the squared weights, as
    LogisticRegression of scikit-learn with C = 1 / strength. The search is in coordinates in which
    a quarter of the squared rows plus the penalty, which bounds the curvature, is the identity.

    Args:
        x: Rows of features.
        y: 1 for rows of the positive class, 0 for others.
        strength: Weight of the penalty, above 0.
        tolerance: Largest gradient at which the search ends, as a share of the first.
    """
    x, y = x.double(), y.double()
    mean = x.mean(0)
    z = F.pad(x - mean, (0, 1), value=1.0)
    penalty = F.pad(torch.full_like(mean, strength), (0, 1))
    with one_thread():
        root = torch.linalg.cholesky_ex(z.mT @ z / 4 + penalty.diag()).L
        z = torch.linalg.solve_triangular(root, z.mT, upper=False).mT

    def function(u: Tensor) -> tuple[Tensor, Tensor]:
        t = z @ u
        value = (F.softplus(t) - y * t - t.square() / 8).sum() + u.square().sum() / 2
        return value, z.mT @ (t.sigmoid() - y - t / 4) + u

    zero = z.new_zeros(len(penalty))
    u = minimize(function, zero, tolerance * float(function(zero)[1].abs().max()))
    w = torch.linalg.solve_triangular(root.mT, u[:, None], upper=True)[:, 0]
    return torch.cat([w[:-1], w[-1:] - w[:-1] @ mean])
