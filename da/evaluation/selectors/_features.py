"""Target features as selectors take them: in float32, all or an even sample."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from da.evaluation.predictions import Predictions
from da.ops.clusters import group_means, kmeans

MOST = 2000
"""Largest number of images whose distances from each other are taken."""


def target_features(p: Predictions) -> Float[Tensor, "m d"]:
    """Return the target features in float32."""
    assert p.target_features is not None
    return p.target_features.float()


def sample_rows(n: int, most: int = MOST) -> Int[Tensor, "_"]:
    """Return the numbers of at most `most` of `n` rows, evenly spaced from first to last."""
    if n <= most:
        return torch.arange(n)
    return torch.linspace(0, n - 1, most, dtype=torch.float64).round().long()


def class_clusters(p: Predictions) -> Int[Tensor, "m"]:
    """Cluster target features by k-means, and return the cluster of each image.

    The first centers are the means of the predicted classes. That of a class that is never
    predicted is the origin, as in the code of Musgrave et al. 2022.
    """
    f = target_features(p)
    centers, _ = group_means(f, p.target_logits.argmax(1), p.target_logits.shape[1])
    return kmeans(f, centers)
