"""Transfer score: clustered features, infomax, and an even classifier (Yang et al. 2023)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._features import sample_rows, target_features
from da.ops.functional import marginal_entropy, prediction_entropy
from da.ops.linalg import squared_distances
from da.ops.matmul import matmul

AXIS = "transfer score"
RANGE = None, 2
NEEDS = ("logits", "features", "weights")


def score(p: Predictions) -> float:
    """Return Hopkins' statistic plus mutual information less unevenness; higher is better.

    The first, 0 to 1, is high where target features form clusters. The second, of image and
    predicted class as a share of its maximum, is high where predictions are certain and diverse.
    The third is 0 where the classes' weights are at equal angles (Yang et al. 2023,
    arXiv:2305.18712). Differs from the authors' code: the information is that of all images, not
    the mean over batches, and Hopkins' statistic takes all images for probes, not one of 20. Of
    more than 2,000 images, it takes an even sample.
    """
    assert p.head_weight is not None
    z, f = p.target_logits, target_features(p)
    information = marginal_entropy(z) - prediction_entropy(z).mean()
    clustered = hopkins(f[sample_rows(len(f))])
    return clustered + information.item() / math.log(z.shape[1]) - unevenness(p.head_weight.float())


def hopkins(f: Float[Tensor, "m d"], seed: int = 0) -> float:
    """Return Hopkins' statistic of features: about 1/2 for evenly spread ones, 1 for clusters.

    As many points as images are drawn evenly from the box that the features span. The statistic is
    the share of their distances to the nearest image in the sum of those and the distances of
    images to the nearest other. It is 0 where all features are the same.
    """
    low, high = f.amin(0), f.amax(0)
    drawn = low + (high - low) * torch.rand(f.shape, generator=torch.Generator().manual_seed(seed))
    far = _nearest(drawn, f, squared_distances(drawn, f))
    near = _nearest(f, f, squared_distances(f, f).fill_diagonal_(torch.inf))
    return (far / (far + near).clamp_min(torch.finfo(f.dtype).tiny)).item()


def _nearest(
    x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], apart: Float[Tensor, "n m"]
) -> Float[Tensor, ""]:
    """Return the sum of distances to the nearest rows, without what `apart` was rounded by."""
    return (x - y[apart.argmin(1)]).norm(dim=1).sum()


def unevenness(weight: Float[Tensor, "k d"]) -> float:
    """Return the mean squared difference of the angles between rows from that of a simplex.

    Every two of k rows that are as far apart as can be have the angle arccos(-1 / (k - 1)).
    """
    k = len(weight)
    rows = normalize(weight)
    cosines = matmul(rows, rows.T).clamp(-1, 1)[~torch.eye(k, dtype=torch.bool)]
    return (cosines.acos() - math.acos(-1 / (k - 1))).square().mean().item()
