"""Numbers that papers print of predictions with target classes; percentages from 0 to 100."""

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from da.ops.clusters import mutual_information, spherical_kmeans

MOST = 100
"""Most classes of which the confusion matrix is kept."""


@dataclass(frozen=True)
class Decided:
    """Predicted classes of test images, with the true ones."""

    y: Int[Tensor, "m"]
    """True classes; the number that follows the known classes is that of all unknown ones."""
    predicted: Int[Tensor, "m"]
    classes: int
    """Number of known classes."""

    @cached_property
    def confusion(self) -> Int[Tensor, "k k"]:
        """The number of images of each true class (row) that were predicted as each."""
        k = int(max(self.classes, *(int(each.max()) + 1 for each in (self.y, self.predicted))))
        return (self.y * k + self.predicted).bincount(minlength=k * k).reshape(k, k)


def class_recalls(seen: Decided) -> dict[int, float]:
    """Return the accuracy on each class that has test images."""
    table = seen.confusion
    counts = table.sum(1)
    share = 100 * table.diagonal() / counts.clamp_min(1)
    return {c: float(share[c]) for c in counts.nonzero().flatten().tolist()}


def mean_class(seen: Decided) -> float:
    """Return the mean of the accuracies of classes, as papers on VisDA-2017 print it."""
    each = class_recalls(seen).values()
    return sum(each) / len(each)


def macro_f1(seen: Decided) -> float:
    """Return the mean F1 score of the classes that have test images, as WILDS does."""
    table = seen.confusion.double()
    both = table.sum(0) + table.sum(1)
    scores = 200 * table.diagonal() / both.clamp_min(1)
    return float(scores[table.sum(1) > 0].mean())


def domain_accuracies(seen: Decided, domains: Int[Tensor, "m"]) -> list[float]:
    """Return the accuracy on each of several target domains."""
    right = 100 * (seen.y == seen.predicted).double()
    counts = domains.bincount()
    return (right.new_zeros(len(counts)).index_add_(0, domains, right) / counts).tolist()


def open_set(seen: Decided) -> dict[str, float]:
    """Return what papers on open-set adaptation print (Bucci et al. 2020, arXiv:2007.12360).

    `os_star` is the mean accuracy of the known classes and `unk` the share of unknown images that
    are rejected. `hos` is their harmonic mean, and `os` the mean over all classes.
    """
    recalls = class_recalls(seen)
    unk = recalls.pop(seen.classes, 0.0)
    os_star = sum(recalls.values()) / len(recalls) if recalls else 0.0
    mean = (sum(recalls.values()) + unk) / (len(recalls) + 1)
    return {"os_star": os_star, "unk": unk, "os": mean, "hos": harmonic_mean(os_star, unk)}


def harmonic_mean(*values: float) -> float:
    """Return the harmonic mean; 0 where a value is."""
    return len(values) / sum(1 / value for value in values) if all(values) else 0.0


def separation(
    scores: Float[Tensor, "m"], y: Int[Tensor, "m"], closed: Int[Tensor, "m"], classes: int
) -> dict[str, float]:
    """Return how well scores of being unknown separate images, for all thresholds at once.

    `auroc` is the share of pairs of a known and an unknown image in which the unknown one has the
    higher score; equal scores count half. `oscr` counts only pairs whose known image is classified
    rightly, which is the area below the curve of Dhamija et al. (2018).
    `known` is the accuracy on known images without rejection.

    Args:
        scores: The higher, the more likely is an image unknown.
        y: True classes.
        closed: Predicted classes without rejection.
        classes: Number of known classes.
    """
    unknown = y == classes
    others, own = scores[unknown].double().sort().values, scores[~unknown].double()
    above = len(others) - torch.searchsorted(others, own, right=True)
    ties = len(others) - torch.searchsorted(others, own) - above
    share = (above + ties / 2) / max(len(others), 1)
    right = (closed == y)[~unknown].double()
    values = {"auroc": share.mean(), "oscr": (share * right).mean(), "known": right.mean()}
    return {name: 100 * float(value) for name, value in values.items()}


def cluster_agreement(f: Float[Tensor, "m d"], y: Int[Tensor, "m"]) -> float:
    """Return how well clusters of features agree with classes, as UniOT measures private ones.

    There are as many clusters as classes, of features of length 1. The agreement is their
    normalized mutual information (Chang et al. 2022, arXiv:2210.17067).
    """
    _, y = y.unique(return_inverse=True)
    clusters = spherical_kmeans(F.normalize(f), int(y.max()) + 1)
    return 100 * mutual_information(clusters, y)
