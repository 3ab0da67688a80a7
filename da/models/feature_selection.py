"""Selection of the columns of frozen features that tell classes apart, from labeled images."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from da.config.choices import FeatureScore
from da.data.domain import LabeledImages
from da.data.stored_rows import take_rows
from da.system.cache import cache_home, make_once
from da.system.extras import extra
from da.system.threads import one_thread

FORMULA = 1
"""Cache version of scores; increase it when the computation of scores changes."""

PENALTY = 0.1
"""L1 penalty of the classifier, as a share of the penalty at which all weights are 0."""


def select_columns(images: LabeledImages, count: int, rule: FeatureScore) -> Int[Tensor, "_"]:
    """Return the `count` columns of features with the highest scores, in ascending order.

    Where features have several views `b v d`, only the plain one counts. Scores are computed once
    for the same features and labels, and all processes share them.

    Args:
        images: Labeled images, given as features.
        count: Number of columns.
        rule: Score of a column: mutual information with the class, or L1 weight.

    Raises:
        ValueError: Where `count` exceeds the number of columns.
    """
    stored = take_rows(images.x, images.rows)
    x, y = stored[:, 0].contiguous() if stored.ndim == 3 else stored, images.y
    if count > x.shape[1]:
        raise ValueError(f"features {count} of {x.shape[1]}, known: 0 for all, 1 to {x.shape[1]}")
    key = hashlib.sha256(f"{FORMULA} {rule} {x.shape}".encode())
    for tensor in (x, y):
        key.update(tensor.numpy().data)

    def read(file: Path) -> Float[Tensor, "d"]:
        return torch.from_numpy(np.load(file).reshape(x.shape[1]))

    file = cache_home() / "columns" / f"{key.hexdigest()[:24]}.npy"
    make_once(file, lambda part: _write(part, column_scores(x, y, rule)), read)
    best = read(file).sort(descending=True, stable=True).indices
    return best[:count].sort().values


def _write(part: Path, scores: Float[Tensor, "d"]) -> None:
    with part.open("wb") as file:
        np.save(file, scores.numpy())


def column_scores(
    x: Float[Tensor, "n d"], y: Int[Tensor, "n"], rule: FeatureScore
) -> Float[Tensor, "d"]:
    """Score how well each column tells the classes apart.

    Scores are always the same for the same images.

    Args:
        x: Features.
        y: Classes.
        rule: Score of a column: mutual information with the class, or L1 weight.
    """
    with one_thread():
        return mutual_information(x, y) if rule == "mutual_information" else l1(x, y)


def mutual_information(x: Float[Tensor, "n d"], y: Int[Tensor, "n"]) -> Float[Tensor, "d"]:
    """Return each column's mutual information with the class, in nats (Ross 2014).

    It is estimated by nearest neighbors, which takes seconds for 300 images of 1280 columns.

    Raises:
        ValueError: Where no class has two images.
    """
    with extra("methods", "mutual_information"):
        from sklearn.feature_selection import mutual_info_classif  # here: it takes a second

    if y.bincount().max() < 2:
        raise ValueError("mutual_information needs two labeled images of a class, known: l1")
    found = mutual_info_classif(x.numpy(), y.numpy(), discrete_features=False, random_state=0)
    return torch.from_numpy(found).float()


def l1(x: Float[Tensor, "n d"], y: Int[Tensor, "n"]) -> Float[Tensor, "d"]:
    """Score each column by the size of its weights in a linear classifier with an L1 penalty.

    Columns without a weight score 0 or less: the nearer the slope of the loss comes to the penalty
    that outweighs it, the higher the score.
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
    """Return weights and bias that minimize cross-entropy plus an L1 penalty of the weights.

    The algorithm is FISTA (Beck & Teboulle 2009), restarted where it overshoots (O'Donoghue &
    Candès 2015).

    Args:
        x: Features.
        targets: Class probabilities of the images.
        penalty: Factor of the sum of |weights|.
        tolerance: Largest error of a slope at the end, as a share of the penalty.
        most: Largest number of steps.
    """
    a = torch.cat([x, x.new_ones(len(x), 1)], 1)
    gram = a @ a.mT if len(a) < a.shape[1] else a.mT @ a
    curvature = float(torch.linalg.eigvalsh(gram)[-1]) / (2 * len(x))  # softmax has 1/2
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
    """Return the slopes of the mean cross-entropy; `error` is the softmax minus the targets."""
    return x.mT @ error / len(x)
