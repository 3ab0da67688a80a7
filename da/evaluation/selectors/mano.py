"""Norm of normalized target logits, 0 to 1 (Xie et al. 2024)."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from da.evaluation.predictions import Predictions

AXIS = "mano, 0 to 1"
RANGE = 0, 1
NEEDS = ("logits",)


def score(p: Predictions, threshold: float = 5.0) -> float:
    """Return the 4-norm of normalized target logits per entry, 0 to 1; higher is better.

    Logits are normalized by softmax where predictions are certain. Elsewhere its expansion to the
    second order is taken, less the smallest value of each image (Xie et al. 2024,
    arXiv:2405.18979). Certain means that the mean of -log p over images and classes exceeds the
    threshold of the paper. The score jumps there, so compare models on one side of it.
    """
    z = p.target_logits
    certain = -z.log_softmax(1).mean().item() > threshold
    q = z.softmax(1) if certain else expanded_softmax(z)
    return q.pow(4).mean().pow(0.25).item()


def expanded_softmax(z: Float[Tensor, "m k"]) -> Float[Tensor, "m k"]:
    """Normalize 1 + z + z²/2, less its smallest value in a row, to a sum of 1 a row."""
    q = 1 + z + z.square() / 2
    return normalize(q - q.amin(1, keepdim=True), p=1.0)
