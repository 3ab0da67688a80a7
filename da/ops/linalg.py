"""Linear algebra: covariances, distances, powers of matrices, leading eigenvectors."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from da.ops.matmul import matmul
from da.ops.precision import upcast
from da.system.threads import one_thread


def covariance(f: Float[Tensor, "*g b d"]) -> Float[Tensor, "*g d d"]:
    """Return the unbiased covariance of the rows of `f`, in float32 or wider; needs b > 1.

    Raises:
        ValueError: There is only one row.
    """
    f = _center(f)
    return matmul(f.mT, f) / (f.shape[-2] - 1)


def covariance_root(f: Float[Tensor, "*g b d"]) -> Float[Tensor, "*g b d"]:
    """Return rows whose outer products add up to the covariance of the rows of `f`."""
    return _center(f) / (f.shape[-2] - 1) ** 0.5


def _center(f: Float[Tensor, "*g b d"]) -> Float[Tensor, "*g b d"]:
    require_two("a covariance", f.shape[-2])
    f = upcast(f)
    return f - f.mean(-2, keepdim=True)


def spread(f: Float[Tensor, "b d"]) -> Float[Tensor, "d"]:
    """Return the standard deviation of each column, but at least 1e-6.

    Raises:
        ValueError: There is only one row.
    """
    require_two("a standard deviation", len(f))
    return f.std(0).clamp_min(1e-6)


def covariance_power(
    f: Float[Tensor, "*g b d"], exponent: float, *, ridge: float
) -> Float[Tensor, "*g d d"]:
    """Return a power of the covariance of the rows of `f` plus `ridge` times the identity.

    Where images are fewer than features, it is computed from the eigenvectors of the b by b inner
    products of images: in all other directions the matrix is the ridge alone.

    Args:
        f: Rows of features.
        exponent: Exponent of the matrix power.
        ridge: Number that is added to each diagonal entry of the covariance.
    """
    f = upcast(f)
    b, d = f.shape[-2:]
    identity = torch.eye(d, device=f.device, dtype=f.dtype)
    if b >= d:
        return matrix_power(covariance(f) + ridge * identity, exponent)
    f = covariance_root(f)
    ridge = max(ridge, 1e-12)
    with one_thread():
        values, vectors = torch.linalg.eigh(matmul(f, f.mT))
    values = values.clamp_min(1e-12)
    # ((value + ridge) ** exponent - ridge ** exponent) / value, without subtracting equal numbers.
    gain = ridge**exponent * (exponent * (values / ridge).log1p()).expm1() / values
    directions = matmul(f.mT, vectors)
    squared = matmul(directions * gain[..., None, :], directions.mT)
    return squared + ridge**exponent * identity


def zero_non_finite(
    x: Float[Tensor, "*shape"],
) -> tuple[Float[Tensor, "*shape"], Float[Tensor, ""]]:
    """Replace entries that are not finite by 0, and return a zero that carries the failure.

    LAPACK stops on a matrix with such entries, and so do all runs that train together. Add the
    second value to the result: it is 0, or NaN where an entry of `x` was not finite.
    """
    return x.where(x.isfinite(), 0), (0 * x).sum()


def matrix_power(a: Float[Tensor, "*g d d"], exponent: float) -> Float[Tensor, "*g d d"]:
    """Return a power of a symmetric positive definite matrix, by its eigenvalues."""
    with one_thread():
        values, vectors = torch.linalg.eigh(a)
    return matmul(vectors * (values.clamp_min(1e-12) ** exponent)[..., None, :], vectors.mT)


def squared_distances(
    x: Float[Tensor, "*g n d"], y: Float[Tensor, "*g m d"]
) -> Float[Tensor, "*g n m"]:
    """Return the squared Euclidean distance of each row of `x` from each row of `y`.

    It takes one matrix product. Features are centered first, which loses the fewest digits.
    """
    mean = y.mean(-2, keepdim=True)
    x, y = x - mean, y - mean
    distances = matmul(x, y.mT).mul_(-2)
    distances.add_(x.square().sum(-1)[..., :, None]).add_(y.square().sum(-1)[..., None, :])
    return distances.clamp_min_(0)


def require_images(images: int, count: int) -> None:
    """Raise ValueError where `images` are too few to have `count` directions."""
    if images <= count:
        raise ValueError(f"dimensions {count} needs more than {images} images, known: below that")


def require_two(what: str, images: int) -> None:
    """Raise ValueError where `what` is of fewer than two images."""
    if images < 2:
        raise ValueError(
            f"{what} needs two images or more of each domain, in a batch or in all, not {images}"
        )


def fix_signs(vectors: Float[Tensor, "*g d e"]) -> Float[Tensor, "*g d e"]:
    """Flip the sign of columns so that the entry of largest size in each column is positive.

    An eigenvector has no sign of its own; libraries choose one that depends on the processor.
    """
    largest = vectors.gather(-2, vectors.abs().argmax(-2, keepdim=True))
    return vectors * largest.sign()


def principal_directions(z: Float[Tensor, "b d"], count: int) -> Float[Tensor, "d e"]:
    """Return the `count` directions of largest variance, the largest first.

    Raises:
        ValueError: Where there are too few images for `count` directions.
    """
    require_images(len(z), count)
    with one_thread():
        if len(z) < z.shape[1]:  # inner products of images are smaller, and exact enough as doubles
            rows = (z - z.mean(0)).double()
            images = torch.linalg.eigh(rows @ rows.mT).eigenvectors[:, -count:].flip(1)
            directions = torch.linalg.qr(rows.mT @ images).Q.to(z)
        elif 8 * count > z.shape[1]:
            directions = torch.linalg.svd(z - z.mean(0), full_matrices=False).Vh[:count].mT
        else:  # for a few of many directions the covariance is as exact, in a quarter of the time
            directions = torch.linalg.eigh(covariance(z)).eigenvectors[:, -count:].flip(1)
    return fix_signs(directions)


@torch.no_grad()
def transfer_components(
    hx: Float[Tensor, "*g n d"], gaps: Float[Tensor, "*g d r"], count: int, *, mu: float
) -> Float[Tensor, "*g d e"]:
    """Return coefficients W of the components x W, the most important first (Pan et al. 2011).

    They solve x'H x w = value (x'L x + mu I) w for the largest values, scaled to W'x'H x W = I,
    and are zero beyond the rank of x. x'L x is v v', where the columns of v are the `gaps`. They
    are few, so the right side has a root in closed form.

    Args:
        hx: H x: features, or a kernel, minus the mean of each column.
        gaps: Differences of mean features that the components should remove, one a column.
        count: Number of components.
        mu: Weight of the identity on the right side.
    """
    squares, turn = torch.linalg.eigh(gaps.mT @ gaps)
    size = (mu + squares.clamp_min(0)).sqrt()
    shrink = (turn / (mu**0.5 * size * (mu**0.5 + size))[..., None, :]) @ turn.mT

    def unrooted(q: Tensor) -> Tensor:
        """Multiply (mu I + v v') to the power of -1/2 by q."""
        return q / mu**0.5 - gaps @ (shrink @ (gaps.mT @ q))

    values, q = leading_eigenvectors(
        lambda q: unrooted(matmul(hx.mT, matmul(hx, unrooted(q)))), like=hx.mT, count=count
    )
    largest = torch.linalg.matrix_norm(hx).square() / mu  # an upper bound of all values
    noise = 10 * torch.finfo(hx.dtype).eps * largest[..., None]
    scale = torch.where(values > noise, values.rsqrt(), 0)
    return fix_signs(unrooted(q)) * scale[..., None, :]


@torch.no_grad()
@one_thread()
def leading_eigenvectors(
    product: Callable[[Tensor], Tensor],
    like: Float[Tensor, "*g d _"],
    count: int,
    *,
    tolerance: float = 3e-6,
) -> tuple[Float[Tensor, "*g e"], Float[Tensor, "*g d e"]]:
    """Return the `count` largest eigenvalues, in descending order, and their unit eigenvectors.

    The matrix is symmetric positive semidefinite. The algorithm is block Lanczos with full
    reorthogonalization (Golub & Underwood 1977). Where more than one eigenvalue in eight is
    wanted, all are computed at once, which is faster then.

    Args:
        product: Product of the matrix with a d by b block.
        like: Block whose number of rows, data type and device the eigenvectors take.
        count: Number of eigenvalues.
        tolerance: Largest residual, as a share of the largest eigenvalue, at which it ends.
    """
    d = like.shape[-2]
    if 8 * count > d:
        identity = torch.eye(d, device=like.device, dtype=like.dtype)
        values, vectors = torch.linalg.eigh(product(identity.expand(*like.shape[:-1], d)))
        return values[..., -count:].flip(-1), vectors[..., -count:].flip(-1)
    width = min(count + 8, d)
    start = torch.randn(d, width, generator=torch.Generator().manual_seed(0)).to(like)
    basis = like.new_empty(*like.shape[:-1], 0)
    images, block = basis, start.expand(*like.shape[:-1], width)
    while True:
        for _ in range(2):  # a single pass leaves rounding errors in the block
            block = torch.linalg.qr(block - basis @ (basis.mT @ block)).Q
        basis, images = (torch.cat(two, -1) for two in ((basis, block), (images, product(block))))
        values, vectors = torch.linalg.eigh(basis.mT @ images)
        values, vectors = values[..., -count:].flip(-1), vectors[..., -count:].flip(-1)
        found = basis @ vectors
        residual = (images @ vectors - found * values[..., None, :]).norm(dim=-2).amax(-1)
        left = d - basis.shape[-1]
        if not left or bool((residual <= tolerance * values[..., 0]).all()):
            return values, found
        block = images[..., -block.shape[-1] :][..., :left]
