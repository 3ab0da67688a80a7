"""Transfer component analysis."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.functional import one_thread, squared_distances
from da.methods.base import Method, Network
from da.methods.mapping import Mapping


class TCA(Mapping):
    """Directions of large variance along which the means of the domains hardly differ."""

    paper = "Pan et al. 2011, IEEE Transactions on Neural Networks 22(2)"
    batchable = ("mu",)

    @dataclass(frozen=True)
    class Hparams(Mapping.Hparams):
        """Defaults are those of libtlda, whose TCA is based on code shared by Pan."""

        dimensions: int = 10
        """How many components are kept."""
        mu: float = 1.0
        """Weight of the size of the components against the gap of the domains' means."""
        kernel: Literal["rbf", "linear"] = "rbf"
        """Inner product of images; the width of rbf is their median distance."""

    hp: Hparams
    anchors: Tensor
    means: Tensor
    weights: Tensor
    gamma: Tensor

    def __init__(self, hp: Method.Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.register_buffer("anchors", torch.zeros(0, self.width))
        self.register_buffer("means", torch.zeros(0))
        self.register_buffer("weights", torch.zeros(0, self.mapped_width()))
        self.register_buffer("gamma", torch.zeros(()))

    def mapped_width(self) -> int:
        """One feature a component, no more than there are features."""
        return min(self.hp.dimensions, self.width)

    def find(self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> None:
        """Components of mean 0 and variance 1 over both domains; ValueError for too few images."""
        self.anchors = torch.cat([f_s, f_t])
        if len(self.anchors) <= self.mapped_width():
            raise ValueError(
                f"dimensions {self.mapped_width()} needs more than {len(self.anchors)} images, "
                "known: below that"
            )
        if self.hp.kernel == "rbf":
            self.gamma = median_gamma(self.anchors)
        k = gram(self.anchors, self._gamma())
        self.means = k.mean(0)
        w = transfer_components(k.sub_(self.means), len(f_s), self.mapped_width(), mu=self.hp.mu)
        self.weights = w * len(self.anchors) ** 0.5

    def map_source(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Components of source images."""
        return self.map_target(x)

    def map_target(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Components of target images."""
        parts = x.to(self.anchors).split(4096)  # the kernel of all images at once may be too large
        kernels = (kernel(part, self.anchors, self._gamma()) for part in parts)
        return torch.cat([k.sub_(self.means) @ self.weights for k in kernels])

    def _gamma(self) -> Tensor | None:
        return self.gamma if self.hp.kernel == "rbf" else None


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


@torch.no_grad()
def transfer_components(
    hk: Float[Tensor, "*g n n"], sources: int, count: int, *, mu: float
) -> Float[Tensor, "*g n e"]:
    """Coefficients W of the components K W, the one that matters most first (Pan et al. 2011).

    They solve K H K w = value (K L K + mu I) w for the largest values, scaled to W'K H K W = I,
    and are zero beyond the rank of K. `hk` is H K, the kernel of source and then target images
    less the mean of each column. L = e e' with e = 1 / n on the n `sources` and -1 / m on the m
    others; so K L K is v v' with v = K e, the right side has a root in closed form, and products
    with H K are all it takes.
    """
    e = hk.new_full((hk.shape[-1], 1), -1 / (hk.shape[-1] - sources))
    e[:sources] = 1 / sources
    v = hk.mT @ e
    size = mu + v.square().sum(-2, keepdim=True)

    def unrooted(q: Tensor) -> Tensor:
        """(mu I + v v') to the power of -1/2, times q."""
        return (q - v @ (v.mT @ q) / (size + (mu * size).sqrt())) / mu**0.5

    values, q = leading_eigenvectors(
        lambda q: unrooted(hk.mT @ (hk @ unrooted(q))), like=hk, count=count
    )
    largest = torch.linalg.matrix_norm(hk).square() / mu  # what no value exceeds
    noise = 10 * torch.finfo(hk.dtype).eps * largest[..., None]
    scale = torch.where(values > noise, values.rsqrt(), 0)
    return unrooted(q) * scale[..., None, :]


@torch.no_grad()
@one_thread()
def leading_eigenvectors(
    product: Callable[[Tensor], Tensor],
    like: Float[Tensor, "*g d _"],
    count: int,
    *,
    tolerance: float = 3e-6,
) -> tuple[Float[Tensor, "*g e"], Float[Tensor, "*g d e"]]:
    """The `count` largest eigenvalues, in descending order, and their unit vectors.

    Of a symmetric positive semidefinite matrix, known by its `product` with d by b blocks like
    `like`. Block Lanczos with full reorthogonalisation (Golub & Underwood 1977), until no residual
    is above `tolerance` times the largest eigenvalue.
    """
    d = like.shape[-2]
    width = min(count + 8, d)
    start = torch.randn(d, width, generator=torch.Generator().manual_seed(0)).to(like)
    basis = like.new_empty(*like.shape[:-1], 0)
    images, block = basis, start.expand(*like.shape[:-1], width)
    while True:
        for _ in range(2):  # once leaves what rounding brought in
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
