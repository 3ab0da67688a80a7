"""Optimal transport that may leave mass behind."""

import torch
from jaxtyping import Float
from torch import Tensor

from da.system.threads import one_thread

STRETCH = 10
"""Iterations between checks of the plan."""


@torch.no_grad()
@one_thread()
def unbalanced_sinkhorn(
    cost: Float[Tensor, "n m"],
    b: Float[Tensor, "m"],
    reg: float,
    marginal: float,
    *,
    max_iterations: int = 1000,
    tolerance: float = 1e-4,
) -> Float[Tensor, "n m"]:
    """Return an entropic plan from rows of equal mass, 1 in all (Chizat et al. 2018, alg. 1).

    It is computed in float64, for costs up to some 500 times `reg`.

    Args:
        cost: Cost of moving a row to a column.
        b: Mass that the columns would have, 1 in all.
        reg: Weight of the plan's entropy.
        marginal: Weight of the divergence of the plan's marginals from both masses.
        max_iterations: Most iterations.
        tolerance: Largest change of the scalings in an iteration at which it ends.
    """
    kernel, b = (cost.double() / -reg).exp(), b.double()
    a, power = 1 / len(cost), marginal / (marginal + reg)
    v = torch.full_like(b, 1 / len(b))
    u = kernel.new_full((len(cost),), a)
    for i in range(max_iterations):
        old_u, old_v = u, v
        u = (a / (kernel @ v)) ** power
        v = (b / (kernel.mT @ u)) ** power
        if i % STRETCH == 0 and (_change(u, old_u) + _change(v, old_v)) / 2 < tolerance:
            break
    return (u[:, None] * kernel * v).to(cost)


def _change(new: Tensor, old: Tensor) -> float:
    return ((new - old).abs().max() / torch.stack([new, old]).abs().max().clamp_min(1)).item()
