"""Optimal transport between images of equal weight."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from da.ops.matmul import matmul
from da.system.extras import extra
from da.system.threads import one_thread


def normalize_cost(cost: Float[Tensor, "*g n m"], norm: str) -> Float[Tensor, "*g n m"]:
    """Divide `cost`, in place, by its largest or median entry, as `norm` says."""
    if norm == "none":
        return cost
    entries = cost.flatten(-2)
    unit = entries.amax(-1) if norm == "max" else entries.median(-1).values
    return cost.div_(unit.clamp_min(torch.finfo(cost.dtype).tiny)[..., None, None])


def barycenters(
    plan: Float[Tensor, "*g n m"], f_t: Float[Tensor, "*g m d"]
) -> Float[Tensor, "*g n d"]:
    """Return, for each source image, the mean of the target images that it is sent to."""
    return matmul(plan, f_t) / plan.sum(-1, keepdim=True)


def exact_plan(cost: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """Return the plan with the least cost, by POT's network simplex, in float64 on the CPU.

    The plan is NaN where a cost is not finite.
    """
    with extra("methods", "an exact transport plan"):
        import ot  # here, since the import takes longer than most commands

    costs = cost.double().cpu()
    if not costs.isfinite().all():
        return torch.full_like(cost, torch.nan)
    plan = ot.emd([], [], costs.numpy(), numItermax=MOST_PIVOTS)
    return torch.from_numpy(plan).to(cost)


MOST_PIVOTS = 10_000_000
"""Largest number of pivots of the network simplex; thousands of images take some 100,000."""
STRETCH = 10
"""Iterations between checks of the plan."""
ABSORBED = 20.0
"""Logarithm of a scaling at which it moves into the kernel: far from the limits of float32."""


@torch.no_grad()
def sinkhorn(
    cost: Float[Tensor, "*g n m"],
    reg: float,
    *,
    max_iterations: int = 1000,
    tolerance: float = 1e-6,
) -> Float[Tensor, "*g n m"]:
    """Return the plan with the least cost minus `reg` times its entropy (Cuturi 2013).

    All images have the same weight. Steps whose scalings outgrow float32 are repeated with
    logarithms, which then become part of the kernel, so no `reg` is too small. Memory: one more
    matrix of the size of `cost`.

    Args:
        cost: Cost of sending each source image to each target image.
        reg: Weight of the entropy, in units of `cost`.
        max_iterations: Largest number of iterations. Each is a product with exp(-cost / reg) and
            one with its transpose.
        tolerance: Share of the mass that may be out of place at the end.
    """
    m = cost.shape[-1]
    none = cost.new_zeros(*cost.shape[:-1], 1), cost.new_zeros(*cost.shape[:-2], 1, m)
    p, q = _by_logarithms(cost, reg, *none, steps=1)
    kernel, u, v = _kernel(cost, reg, p, q), none[0].exp(), none[1].exp()
    for done in range(1, max_iterations, STRETCH):
        steps = min(STRETCH, max_iterations - done)
        new_u, new_v = _by_products(kernel, u, steps=steps)
        if _size(new_u) < ABSORBED and _size(new_v) < ABSORBED:
            u, v = new_u, new_v
        else:
            p, q = _by_logarithms(cost, reg, p + u.log(), q + v.log(), steps=steps)
            kernel, u, v = _kernel(cost, reg, p, q), none[0].exp(), none[1].exp()
        received = v * (u.mT @ kernel)
        if (received - 1 / m).abs().sum(-1).max().item() < tolerance:
            break
    return kernel.mul_(u).mul_(v)


Scalings = tuple[Float[Tensor, "*g n 1"], Float[Tensor, "*g 1 m"]]
"""Scalings of the rows and of the columns of the kernel."""


@one_thread()
def _by_products(kernel: Tensor, u: Tensor, *, steps: int) -> Scalings:
    n, m = kernel.shape[-2:]
    for _ in range(steps):
        v = 1 / (m * (kernel.mT @ u))
        u = 1 / (n * (kernel @ v))
    return u, v.mT


def _by_logarithms(cost: Tensor, reg: float, p: Tensor, q: Tensor, *, steps: int) -> Scalings:
    n, m = cost.shape[-2:]
    for _ in range(steps):
        q = -math.log(m) - (p - cost / reg).logsumexp(-2, keepdim=True)
        p = -math.log(n) - (q - cost / reg).logsumexp(-1, keepdim=True)
    return p, q


def _kernel(cost: Tensor, reg: float, p: Tensor, q: Tensor) -> Tensor:
    return (cost / -reg).add_(p).add_(q).exp_()


def _size(scaling: Tensor) -> float:
    """Return the largest absolute logarithm of a scaling; NaN or infinity after an overflow."""
    return scaling.log().abs().max().item()
