"""Parts that methods of several sources share: means over the images of each source."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from da.data.batch import Labeled
from da.ops.precision import upcast


def source_weights(source: Labeled, count: int) -> Float[Tensor, "s n"]:
    """Return a row for each source, whose product with values of images is their mean over it.

    Labeled target images among those of the source are in no mean.

    Args:
        source: Source images of a batch.
        count: Number of sources.
    """
    of = torch.arange(count, device=source.y.device)
    mine = (_domain(source, count) == of[:, None]).float()
    return mine / mine.sum(1, keepdim=True).clamp_min(1)


def task_weights(source: Labeled, count: int) -> Float[Tensor, "s n"]:
    """Return weights as `source_weights` does, with labeled target images in the mean of each.

    They have the share there that they have in the batch.
    """
    shots = (_domain(source, count) >= count).float()
    share = shots.mean()
    own = shots / shots.sum().clamp_min(1)
    return (1 - share) * source_weights(source, count) + share * own


def _domain(source: Labeled, count: int) -> Int[Tensor, "n"]:
    assert source.domain is not None or count == 1, "a batch that does not tell its sources apart"
    return torch.zeros_like(source.y) if source.domain is None else source.domain


def each_cross_entropy(
    logits: Float[Tensor, "n k"], y: Int[Tensor, "n"], smoothing: float
) -> Float[Tensor, "n"]:
    """Return the cross-entropy of each image.

    Args:
        logits: Class logits.
        y: Classes.
        smoothing: Share of each label that is spread over all classes.
    """
    log_p = upcast(logits).log_softmax(1)
    right = log_p.gather(1, y[:, None]).squeeze(1)
    return -(1 - smoothing) * right - smoothing * log_p.mean(1)
