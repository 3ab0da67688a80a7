"""The risk of deep embedded validation, which scores share."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._domain_classifier import DomainRatio


def find_losses(p: Predictions, ratio: DomainRatio) -> Float[Tensor, "a"]:
    """Return the cross-entropy of each source image that has a weight, in nats."""
    logits, y = p.source_logits[ratio.rows].double(), p.source_y[ratio.rows]
    return F.cross_entropy(logits, y, reduction="none")


def controlled_risk(weight: Float[Tensor, "n"], losses: Float[Tensor, "n"]) -> float:
    """Return the weighted risk with a control variate (You et al. 2019).

    The mean of the weights, which should be 1, is off by chance. What the risk is off with it is
    subtracted. It is NaN for fewer than two images.

    Args:
        weight: Density ratio at each image.
        losses: Loss of each image.
    """
    if len(weight) < 2:
        return float("nan")
    weighed = weight * losses
    variance, mean = torch.var_mean(weight)
    shared = (weight - mean) @ weighed / (len(weight) - 1)
    eta = -shared / variance if variance > 0 else torch.zeros_like(variance)
    return (weighed.mean() + eta * (mean - 1)).item()
