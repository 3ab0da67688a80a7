"""Columns of frozen features that tell classes apart, chosen from labeled images."""

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from da.data.domain import LabeledImages
from da.system.cache import cache_home, make_once
from da.system.threads import one_thread

Rule = Literal["mutual_information", "l1"]

FORMULA = 1
"""Raised by whoever changes how columns are scored."""

PENALTY = 0.1
"""Of the classifier with the L1 norm, as a share of that which leaves no weight at all."""


def select_columns(images: LabeledImages, count: int, rule: Rule) -> Int[Tensor, "_"]:
    """The `count` columns of features `b d` that score highest, in the order in which they stand.

    Of several views `b v d` the plain one counts. Scores are computed once for the same features
    and labels, whichever process asks. Raises ValueError for more columns than there are.
    """
    plain = images.x[:, 0] if images.x.ndim == 3 else images.x
    x, y = plain[images.rows], images.y
    if count > x.shape[1]:
        raise ValueError(f"features {count} of {x.shape[1]}, known: 0 for all, 1 to {x.shape[1]}")
    key = hashlib.sha256(f"{FORMULA} {rule} {x.shape}".encode())
    for tensor in (x, y):
        key.update(tensor.numpy().data)
    file = cache_home() / "columns" / f"{key.hexdigest()[:24]}.npy"
    make_once(file, lambda part: _write(part, column_scores(x, y, rule)))
    best = torch.from_numpy(np.load(file)).sort(descending=True, stable=True).indices
    return best[:count].sort().values


def _write(part: Path, scores: Float[Tensor, "d"]) -> None:
    with part.open("wb") as file:
        np.save(file, scores.numpy())


def column_scores(x: Float[Tensor, "n d"], y: Int[Tensor, "n"], rule: Rule) -> Float[Tensor, "d"]:
    """How well each column tells the classes apart; always the same for the same images."""
    with one_thread():
        return mutual_information(x, y) if rule == "mutual_information" else l1(x, y)


def mutual_information(x: Float[Tensor, "n d"], y: Int[Tensor, "n"]) -> Float[Tensor, "d"]:
    """Of each column and the class in nats, by nearest neighbors (Ross 2014).

    Takes seconds for 300 images of 1280 columns. Raises ValueError where no class has two images.
    """
    from sklearn.feature_selection import mutual_info_classif  # takes a second

    if y.bincount().max() < 2:
        raise ValueError("mutual_information needs two labeled images of a class, known: l1")
    found = mutual_info_classif(x.numpy(), y.numpy(), discrete_features=False, random_state=0)
    return torch.from_numpy(found).float()


def l1(x: Float[Tensor, "n d"], y: Int[Tensor, "n"]) -> Float[Tensor, "d"]:
    """Size of each column's weights in a linear classifier with an L1 penalty.

    Those that have no weight, below zero, by how near to one they are: by the slope of the loss,
    which the penalty outweighs.
    """
    x = (x - x.mean(0)) / x.std(0, correction=0).clamp_min(1e-6)
    targets = F.one_hot(y.unique(return_inverse=True)[1]).to(x.dtype)
    penalty = PENALTY * float(_slopes(x, targets.mean(0) - targets).abs().max())
    w, b = l1_classifier(x, targets, penalty)
    slopes = _slopes(x, (x @ w + b).softmax(1) - targets).abs().amax(1)
    size = w.abs().sum(1)
    return torch.where(size > 0, size, slopes / penalty - 1)


def l1_classifier(
    x: Float[Tensor, "n d"],
    targets: Float[Tensor, "n k"],
    penalty: float,
    *,
    tolerance: float = 1e-4,
    most: int = 2000,
) -> tuple[Float[Tensor, "d k"], Float[Tensor, "k"]]:
    """Weights and bias that minimize cross-entropy + `penalty` times the sum of |weights|.

    By FISTA (Beck & Teboulle 2009), which begins anew where it overshoots (O'Donoghue & Candès
    2015), until slopes are met to `tolerance` of the penalty, in `most` steps at most.
    """
    a = torch.cat([x, x.new_ones(len(x), 1)], 1)
    gram = a @ a.mT if len(a) < a.shape[1] else a.mT @ a
    curvature = float(torch.linalg.eigvalsh(gram)[-1]) / (2 * len(x))  # that of softmax is 1/2
    w = x.new_zeros(a.shape[1], targets.shape[1])
    ahead, t = w, 1.0
    for _ in range(most):
        new = ahead - _slopes(a, (a @ ahead).softmax(1) - targets) / curvature
        new[:-1] = F.softshrink(new[:-1], penalty / curvature)
        back, step = ahead - new, new - w
        t_next = 1.0 if (back * step).sum() > 0 else (1 + (1 + 4 * t * t) ** 0.5) / 2
        w, ahead, t = new, new + (t - 1) / t_next * step * (t_next > 1), t_next
        if curvature * back.abs().max() <= tolerance * penalty:
            break
    return w[:-1], w[-1]


def _slopes(x: Float[Tensor, "n d"], error: Float[Tensor, "n k"]) -> Float[Tensor, "d k"]:
    """Of the mean cross-entropy, where `error` is the softmax less the targets."""
    return x.mT @ error / len(x)
