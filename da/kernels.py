"""Kernels of images: inner products in richer spaces than that of their features."""

import torch
from jaxtyping import Float
from torch import Tensor

from da.functional import squared_distances


def kernel(
    x: Float[Tensor, "*g n d"], y: Float[Tensor, "*g m d"], gamma: Float[Tensor, "*g"] | None
) -> Float[Tensor, "*g n m"]:
    """exp(-gamma |x - y|²), or the inner product where `gamma` is None."""
    if gamma is None:
        return x @ y.mT
    return squared_distances(x, y).mul_(-gamma[..., None, None]).exp_()


def gram(
    x: Float[Tensor, "*g n d"], gamma: Float[Tensor, "*g"] | None, blocks: int = 8
) -> Float[Tensor, "*g n n"]:
    """The kernel of all pairs of rows, of which little more than half is computed."""
    n = x.shape[-2]
    k = x.new_empty(*x.shape[:-1], n)
    for rows in torch.arange(n).tensor_split(blocks):
        if len(rows):
            low, high = int(rows[0]), int(rows[-1]) + 1
            k[..., low:high, low:] = kernel(x[..., low:high, :], x[..., low:, :], gamma)
            k[..., high:, low:high] = k[..., low:high, high:].mT
    return k


def median_gamma(x: Float[Tensor, "*g n d"], sample: int = 1000) -> Float[Tensor, "*g"]:
    """1 / 2s², s the median distance of points (Gretton et al. 2012), of at most `sample`."""
    x = x[..., :: -(-x.shape[-2] // sample), :]
    i, j = torch.triu_indices(x.shape[-2], x.shape[-2], 1)
    median = squared_distances(x, x)[..., i, j].median(-1).values
    return 1 / (2 * median.clamp_min(torch.finfo(x.dtype).tiny))
