"""How much of a covariance to replace by a multiple of the identity, where rows are few."""

from jaxtyping import Float
from torch import Tensor


def ledoit_wolf(z: Float[Tensor, "b d"]) -> Float[Tensor, ""]:
    """Return the share of the identity with the least expected squared error, from 0 to 1.

    It is that of Ledoit and Wolf (2004, Journal of Multivariate Analysis 88, section 3.3). The
    identity is multiplied by the mean variance.
    """
    z = z.double() - z.double().mean(0)
    b, d = z.shape
    products = z @ z.mT if b < d else z.mT @ z
    size = z.square().sum() / (b * d)
    squared = products.square().sum() / b**2
    noise = (z.square().sum(1).square().sum() / b - squared) / b
    distance = squared - d * size.square()
    return (noise.clamp_min(0) / distance.clamp_min(1e-300)).clamp(0, 1)
