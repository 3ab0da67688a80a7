"""Choice of the strength of a linear classifier's penalty, without labels of the target."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.special import entr

from da.ops.classifiers import apply_linear, fit_linear, fit_path, linear_losses

GRID = tuple(10.0**power for power in range(-2, 6))
"""Strengths among which one is chosen."""

FOLDS = 5
COARSE = 1e-3
"""Tolerance of fits that only a choice looks at."""


def choose_strength(
    kind: str,
    rule: str,
    source: tuple[Float[Tensor, "n d"], Int[Tensor, "n"]],
    f_t: Float[Tensor, "m d"],
    classes: int,
) -> float:
    """Return the strength of `GRID` that a rule chooses; of equally good ones, the largest.

    - `cross_validation`: the largest whose loss on held-out source rows is within one standard
      error of the smallest, as is usual for such penalties (Breiman et al. 1984; Friedman et al.
      2010). Losses are means over five parts.
    - `reverse`: the one by which a classifier that learns the predictions for the target predicts
      most source rows right (Zhong et al. 2010; Ganin et al. 2016, section 5.1.2).
    - `infomax`: the one with the largest mutual information of target rows and predictions.

    Args:
        kind: Loss of the classifier: logistic, ridge or svm.
        rule: How to choose.
        source: Mapped source features and their classes.
        f_t: Mapped target features.
        classes: Number of classes.
    """
    if rule == "cross_validation":
        found = _held_out_scores(kind, *source, classes)
    elif rule == "reverse":
        found = _reverse_scores(kind, *source, f_t, classes)
    else:
        p = apply_linear(fit_linear(kind, *source, classes, GRID, COARSE), f_t).softmax(-1)
        found = entr(p.mean(1)).sum(1) - entr(p).sum(2).mean(1)
    best = found >= found.max() - 1e-12
    return GRID[int(best.nonzero().max())] if bool(found.isfinite().any()) else 1.0


def split_folds(y: Int[Tensor, "n"]) -> Int[Tensor, "n"]:
    """Return a part, 0 to 4, for each row: the rows of a class are cut into five, in order."""
    parts = torch.zeros_like(y)
    for of_class in (y == label for label in y.unique()):
        rows = of_class.nonzero().flatten()
        for part, some in enumerate(rows.tensor_split(FOLDS)):
            parts[some] = part
    return parts


def _held_out_scores(
    kind: str, f: Float[Tensor, "n d"], y: Int[Tensor, "n"], classes: int
) -> Float[Tensor, "s"]:
    """Return 0 for strengths whose loss is within a standard error of the least, and -1 for others.

    Rows of a class that no other part has do not count. The path from the strongest penalty to the
    weakest ends where the loss has risen beyond that, twice.
    """
    held = F.one_hot(split_folds(y), FOLDS).bool()
    known = torch.stack([torch.isin(y, y[~some]) for some in held.mT], 1) & held
    used = known.any(0)
    counted = known[:, used].double()
    if used.sum() < 2:
        return torch.full([len(GRID)], torch.nan)
    training = (~held[:, used]).double()
    each: list[Tensor] = []
    for fits in fit_path(kind, f, y, classes, reversed(GRID), COARSE, training):
        losses = linear_losses(kind, apply_linear(fits, f), y).mT
        each.append((losses * counted).sum(0) / counted.sum(0))
        found = _near_least(torch.stack(each))
        if not found[-2:].any():
            break
    return F.pad(found, (0, len(GRID) - len(each))).flip(0).double() - 1


def _near_least(each: Float[Tensor, "s folds"]) -> Bool[Tensor, "s"]:
    """Return which mean losses are within one standard error of the smallest."""
    mean = each.mean(1)
    least = each[mean.argmin()]
    return mean <= least.mean() + least.std() / len(least) ** 0.5


def _reverse_scores(
    kind: str,
    f: Float[Tensor, "n d"],
    y: Int[Tensor, "n"],
    f_t: Float[Tensor, "m d"],
    classes: int,
) -> Float[Tensor, "s"]:
    weights = fit_linear(kind, f, y, classes, GRID, COARSE)
    right = []
    for strength, y_t in zip(GRID, apply_linear(weights, f_t).argmax(-1), strict=True):
        back = fit_linear(kind, f_t, y_t, classes, [strength], COARSE)[0]
        right.append((apply_linear(back, f).argmax(-1) == y).double().mean())
    return torch.stack(right)
