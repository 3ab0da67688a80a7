"""Kernels of images: inner products in richer spaces than the space of their features."""

import torch
from jaxtyping import Float
from torch import Tensor

from da.ops.functional import Scalar
from da.ops.linalg import require_two, squared_distances
from da.ops.matmul import matmul
from da.ops.precision import upcast


def kernel(
    x: Float[Tensor, "*g n d"], y: Float[Tensor, "*g m d"], gamma: Float[Tensor, "*g"] | None
) -> Float[Tensor, "*g n m"]:
    """Return the kernel exp(-gamma |x - y|²) of each row of `x` with each row of `y`.

    Args:
        x: Rows of features.
        y: Rows of features.
        gamma: Factor of the squared distance; None for plain inner products.
    """
    if gamma is None:
        return matmul(x, y.mT)
    return squared_distances(x, y).mul_(-gamma[..., None, None]).exp_()


def gram(
    x: Float[Tensor, "*g n d"], gamma: Float[Tensor, "*g"] | None, blocks: int = 8
) -> Float[Tensor, "*g n n"]:
    """Return the kernel of all pairs of rows; little more than half of it is computed.

    The rest follows by symmetry.

    Args:
        x: Rows of features.
        gamma: Factor of the squared distance; None for plain inner products.
        blocks: Blocks of rows that are computed one after the other; with more blocks, less is
            computed twice.
    """
    n = x.shape[-2]
    k = x.new_empty(*x.shape[:-1], n)
    for rows in torch.arange(n).tensor_split(blocks):
        if len(rows):
            low, high = int(rows[0]), int(rows[-1]) + 1
            k[..., low:high, low:] = kernel(x[..., low:high, :], x[..., low:, :], gamma)
            k[..., high:, low:high] = k[..., low:high, high:].mT
    return k


def median_gamma(x: Float[Tensor, "*g n d"], sample: int = 1000) -> Float[Tensor, "*g"]:
    """Return gamma = 1 / (2s²), where s is the median distance of points (Gretton et al. 2012).

    At most `sample` points are used, spread evenly over the rows of `x`.
    """
    x = x[..., :: -(-x.shape[-2] // sample), :]
    i, j = torch.triu_indices(x.shape[-2], x.shape[-2], 1)
    median = squared_distances(x, x)[..., i, j].median(-1).values
    return 1 / (2 * median.clamp_min(torch.finfo(x.dtype).tiny))


def gaussian_kernel(
    f: Float[Tensor, "b d"],
    factors: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0),
    width: Scalar | None = None,
    self_pairs: bool = False,
) -> Float[Tensor, "b b"]:
    """Return a sum of Gaussian kernels of different widths, for all pairs of rows of `f`.

    A kernel is exp(-|f_i - f_j|² / (factor * width)).

    Args:
        f: Rows of features.
        factors: Factor of the width for each Gaussian.
        width: Squared distance; None for the mean squared distance of two different rows, through
            which no gradient flows, as in the code of Long et al. 2015.
        self_pairs: Whether that mean counts each row's distance of 0 to itself.
    """
    with torch.autocast(f.device.type, enabled=False):
        f = upcast(f)
        distances = squared_distances(f, f)
        if width is None:
            width = distances.detach().sum() / (len(f) * (len(f) - (not self_pairs)))
            width = width.clamp_min(torch.finfo(f.dtype).tiny)
        return torch.stack([(-distances / (factor * width)).exp() for factor in factors]).sum(0)


def mmd(k: Float[Tensor, "b b"], n: int) -> Float[Tensor, ""]:
    """Return the squared distance of the domains' means in kernel space (Gretton et al. 2012).

    `k` is the kernel of all images: the first `n` are source images, the rest target images. Each
    domain needs two images or more. The estimate is unbiased: it uses all pairs of different
    images, so it may be below 0.

    Raises:
        ValueError: A domain has only one image.
    """
    require_two("a discrepancy of kernel means", min(n, len(k) - n))
    within = [half.sum() - half.diagonal().sum() for half in (k[:n, :n], k[n:, n:])]
    m = len(k) - n
    return within[0] / (n * (n - 1)) + within[1] / (m * (m - 1)) - 2 * k[:n, n:].mean()


def linear_mmd(k: Float[Tensor, "b b"], n: int) -> Float[Tensor, ""]:
    """Estimate `mmd` by pairs of neighbors in a batch alone (Gretton et al. 2012, section 6).

    As in the code of Long et al. 2015, each image is paired with the next one, and the last with
    the first. Images that one domain has in excess do not count.

    Raises:
        ValueError: A domain has only one image.
    """
    size = min(n, len(k) - n)
    require_two("a discrepancy of kernel means", size)
    i = torch.arange(size, device=k.device)
    j = i.roll(-1)
    within = k[i, j] + k[n + i, n + j]
    return (within - k[i, n + j] - k[j, n + i]).mean()
