"""Features as selectors take them: in float32, of all images or of the same sample each time.

Scores of one domain take an even sample, and those that compare both domains a random one.
"""

from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from da.evaluation.predictions import Predictions
from da.ops.clusters import group_means, kmeans

MOST = 2000
"""Images of a domain whose distances count in most scores."""


def target_features(p: Predictions) -> Float[Tensor, "m d"]:
    """Return the target features in float32."""
    assert p.target_features is not None
    return p.target_features.float()


def sample_rows(n: int, most: int = MOST) -> Int[Tensor, "_"]:
    """Return the numbers of at most `most` of `n` rows, evenly spaced from first to last."""
    if n <= most:
        return torch.arange(n)
    return torch.linspace(0, n - 1, most, dtype=torch.float64).round().long()


@lru_cache(maxsize=16)
def draw_rows(n: int, most: int = MOST) -> Int[Tensor, "_"]:
    """Draw at most `most` of `n` rows, always the same ones in the same random order."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(0))[:most]


def draw_features(
    p: Predictions, most: int = MOST
) -> tuple[Float[Tensor, "a d"], Float[Tensor, "b d"]]:
    """Return features of the rows that `draw_rows` gives of each domain, in float32."""
    assert p.source_features is not None
    assert p.target_features is not None
    source, target = p.source_features, p.target_features
    return source[draw_rows(len(source), most)].float(), target[
        draw_rows(len(target), most)
    ].float()


def class_clusters(p: Predictions) -> Int[Tensor, "m"]:
    """Cluster target features by k-means, and return the cluster of each image.

    The first centers are the means of the predicted classes. That of a class that is never
    predicted is the origin, as in the code of Musgrave et al. 2022.
    """
    f = target_features(p)
    centers, _ = group_means(f, p.target_logits.argmax(1), p.target_logits.shape[1])
    return kmeans(f, centers)
