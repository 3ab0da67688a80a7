"""Linear classifiers with an L2 penalty, fitted until they stay where they are."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from da.ops.minimize import minimize
from da.system.threads import one_thread

ABSENT = 1e4
"""How far below 0 the logit of a class without rows is."""

Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Function from logits and a 1 for each row's class to each row's loss and its slopes."""


@dataclass(frozen=True)
class _Problem:
    """Rows in the coordinates of their principal directions, in which the penalty is the same."""

    scores: Float[Tensor, "n r"]
    squares: Float[Tensor, "r"]
    """Sum of the squares of each column of `scores`."""
    directions: Float[Tensor, "d r"]
    ones: Float[Tensor, "n 1 k"]
    """1 where a row is of a class."""
    weight: Float[Tensor, "n g"]
    """Weight of each row for each of several classifiers."""


def fit_linear(
    kind: str,
    x: Float[Tensor, "n d"],
    y: Int[Tensor, "n"],
    classes: int,
    strengths: Sequence[float],
    tolerance: float = 1e-5,
) -> Float[Tensor, "s k e"]:
    """Return the weights of each class and, in the last column, its bias, for each strength.

    They minimize the losses of all rows plus strength / 2 times the squared weights. Losses are
    cross-entropy (logistic), half the squared distance from 1 for the class and -1 for others
    (ridge), and the squared hinge of each class against all others (svm). So a strength is 1 / C
    of LogisticRegression and LinearSVC of scikit-learn, and alpha of its RidgeClassifier. As
    there, the bias has a penalty in `svm` alone. A class without rows is never predicted.

    Args:
        kind: Loss of the classifier: logistic, ridge or svm.
        x: Rows of features.
        y: Class of each row.
        classes: Number of classes.
        strengths: Weights of the penalty, above 0.
        tolerance: Largest gradient at which the search ends, as a share of the first.
    """
    order = sorted(range(len(strengths)), key=lambda i: -strengths[i])
    path = fit_path(kind, x, y, classes, [strengths[i] for i in order], tolerance)
    found = {i: fits[0] for i, fits in zip(order, path, strict=True)}
    return torch.stack([found[i] for i in range(len(strengths))])


def fit_path(
    kind: str,
    x: Float[Tensor, "n d"],
    y: Int[Tensor, "n"],
    classes: int,
    strengths: Iterable[float],
    tolerance: float,
    weight: Float[Tensor, "n g"] | None = None,
) -> Iterator[Float[Tensor, "g k e"]]:
    """Yield the weights of several classifiers, one strength after the other.

    Each search begins where the last ended, so strengths that fall take the fewest steps.

    Args:
        kind: As for `fit_linear`, and so are the others.
        x: Rows of features.
        y: Class of each row.
        classes: Number of classes.
        strengths: Weights of the penalty.
        tolerance: Largest gradient at which a search ends.
        weight: Weight of each row for each classifier; None for one that counts all alike.
    """
    x = F.pad(x.double(), (0, 1), value=float(kind == "svm"))
    mean = x.mean(0) if kind != "svm" else torch.zeros_like(x[0])
    present = y.bincount(minlength=classes) > 0
    ones = F.one_hot(y, classes).double()[:, None, present]
    with one_thread():
        problem = _rotate(x - mean, ones, x.new_ones(len(x), 1) if weight is None else weight)
    flat = None
    for strength in strengths:
        with one_thread():
            flat = _search(problem, kind, strength, flat, tolerance)
        w = flat.unflatten(1, (-1, ones.shape[-1])).movedim(0, -1)
        own = w[..., :-1] @ problem.directions.mT
        own[..., -1] += w[..., -1] - own @ mean
        found = x.new_zeros(len(own), classes, x.shape[1])
        found[:, ~present, -1] = -ABSENT
        found[:, present] = own
        yield found


def apply_linear(
    weights: Float[Tensor, "*s k e"], x: Float[Tensor, "n d"]
) -> Float[Tensor, "*s n k"]:
    """Return the logits of rows, by weights as `fit_linear` returns them."""
    return x.to(weights) @ weights[..., :-1].mT + weights[..., None, :, -1]


def linear_losses(
    kind: str, logits: Float[Tensor, "*s n k"], y: Int[Tensor, "n"]
) -> Float[Tensor, "*s n"]:
    """Return the loss of each row of a linear classifier of that kind, as in `fit_linear`."""
    return LOSSES[kind](logits, F.one_hot(y, logits.shape[-1]).to(logits))[0]


def _cross_entropy(logits: Tensor, ones: Tensor) -> tuple[Tensor, Tensor]:
    log_p = logits.log_softmax(-1)
    return -(log_p * ones).sum(-1), log_p.exp() - ones


def _squares(logits: Tensor, ones: Tensor) -> tuple[Tensor, Tensor]:
    gap = logits - (2 * ones - 1)
    return gap.square().sum(-1) / 2, gap


def _squared_hinge(logits: Tensor, ones: Tensor) -> tuple[Tensor, Tensor]:
    sign = 2 * ones - 1
    gap = (1 - sign * logits).clamp_min(0)
    return gap.square().sum(-1), -2 * sign * gap


LOSSES: dict[str, Loss] = {"logistic": _cross_entropy, "ridge": _squares, "svm": _squared_hinge}
"""Loss of each kind of linear classifier."""


def _rotate(
    z: Float[Tensor, "n d"], ones: Float[Tensor, "n 1 k"], weight: Float[Tensor, "n g"]
) -> _Problem:
    """Return rows in the coordinates of the directions in which they differ."""
    wide = z.shape[0] < z.shape[1]
    squares, vectors = torch.linalg.eigh(z @ z.mT if wide else z.mT @ z)
    kept = squares > 1e-12 * squares[-1].clamp_min(1e-300)
    squares, vectors = squares[kept], vectors[:, kept]
    if wide:
        size = squares.sqrt()
        return _Problem(vectors * size, squares, z.mT @ (vectors / size), ones, weight)
    return _Problem(z @ vectors, squares, vectors, ones, weight)


def _search(
    problem: _Problem,
    kind: str,
    strength: float,
    start: Float[Tensor, "e c"] | None,
    tolerance: float,
) -> Float[Tensor, "e c"]:
    """Minimize losses and penalty; return a row of weights for each direction, and the biases.

    The search is in coordinates in which their curvature is near 1.

    Args:
        problem: Rows and classes.
        kind: Loss of the classifier.
        strength: Weight of the penalty.
        start: Where the search begins; None for 0.
        tolerance: Largest gradient at which it ends, as a share of the one at 0.
    """
    n, k = len(problem.scores), problem.ones.shape[-1]
    z = F.pad(problem.scores, (0, 1), value=float(kind != "svm"))
    penalty = F.pad(torch.full_like(problem.squares, strength), (0, 1))[:, None]
    bend = {"logistic": max(k - 1, 1) / k**2, "ridge": 1.0, "svm": 2.0}[kind]
    unit = (bend * F.pad(problem.squares, (0, 1), value=float(n))[:, None] + penalty).rsqrt()

    def function(flat: Tensor) -> tuple[Tensor, Tensor]:
        w = flat.view(z.shape[1], -1) * unit
        losses, slopes = LOSSES[kind]((z @ w).unflatten(1, (-1, k)), problem.ones)
        slopes = (slopes * problem.weight[..., None]).flatten(1)
        value = (losses * problem.weight).sum() + (penalty * w * w).sum() / 2
        return value, ((z.mT @ slopes + penalty * w) * unit).flatten()

    zero = z.new_zeros(z.shape[1], k * problem.weight.shape[1])
    first = float(function(zero.flatten())[1].abs().max())
    begin = (zero if start is None else start) / unit
    return minimize(function, begin.flatten(), tolerance * first).view_as(zero) * unit
