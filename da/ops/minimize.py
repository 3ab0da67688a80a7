"""Minimum of a smooth convex function, by L-BFGS."""

from collections import deque
from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

Function = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Function from a point to its value there and its gradient."""


def minimize(
    function: Function,
    start: Float[Tensor, "p"],
    tolerance: float = 1e-9,
    history: int = 20,
    most: int = 1000,
) -> Float[Tensor, "p"]:
    """Return the point at which the gradient all but vanishes (Nocedal 1980, L-BFGS).

    Steps are halved until the value falls by enough (Armijo 1966).

    Args:
        function: Smooth convex function.
        start: Point at which the search begins.
        tolerance: Largest entry of the gradient at which the search ends.
        history: Steps from which curvature is known.
        most: Most steps.
    """
    x, pairs = start, deque[tuple[Tensor, Tensor, float]](maxlen=history)
    value, gradient = function(x)
    for _ in range(most):
        if gradient.abs().max() <= tolerance:
            break
        direction = -_scaled(gradient, pairs)
        slope, rate = float(gradient @ direction), 1.0
        while True:
            there, slope_there = function(x + rate * direction)
            if there <= value + 1e-4 * rate * slope + 1e-15 * value.abs():
                break
            if rate < 1e-9:  # no step is better, by as many digits as there are
                return x
            rate /= 2
        moved, turned = rate * direction, slope_there - gradient
        if (curvature := float(moved @ turned)) > 0:
            pairs.append((moved, turned, curvature))
        x, value, gradient = x + moved, there, slope_there
    return x


def _scaled(gradient: Tensor, pairs: deque[tuple[Tensor, Tensor, float]]) -> Tensor:
    """Return the gradient times an estimate of the inverse of the curvature."""
    q, shares = gradient.clone(), []
    for moved, turned, curvature in reversed(pairs):
        shares.append(float(moved @ q) / curvature)
        q -= shares[-1] * turned
    if pairs:
        _, turned, curvature = pairs[-1]
        q *= curvature / float(turned @ turned)
    for (moved, turned, curvature), share in zip(pairs, reversed(shares), strict=True):
        q += (share - float(turned @ q) / curvature) * moved
    return q
