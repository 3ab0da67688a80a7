"""Transfer component analysis."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.config.limits import COUNT, POSITIVE
from da.config.ranges import Choice, LogUniform
from da.methods._mapping import Mapping
from da.methods.base import Method, Network
from da.ops.kernels import gram, kernel, median_gamma
from da.ops.linalg import require_images, transfer_components
from da.ops.matmul import matmul


class TCA(Mapping):
    """Project on directions of large variance along which the domains' means hardly differ."""

    paper = "Pan et al. 2011, IEEE Transactions on Neural Networks 22(2)"
    family = "mapping"
    batchable = ("mu",)

    @dataclass(frozen=True)
    class Hparams(Mapping.Hparams):
        """Settings of libtlda, whose TCA is based on code shared by Pan."""

        dimensions: Annotated[int, Choice(5, 10, 20, 50), COUNT] = 10
        """Number of components that are kept."""
        mu: Annotated[float, LogUniform(0.01, 100), POSITIVE] = 1.0
        """Weight of the size of the components, against the gap between the domains' means."""
        kernel: Literal["rbf", "linear"] = "rbf"
        """Inner product of images: linear, or Gaussian (rbf) as wide as their median distance."""

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
        """Return the number of components, but no more than the number of features."""
        return min(self.hp.dimensions, self.width)

    def find(self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> None:
        """Compute components of mean 0 and variance 1 over both domains.

        Raises:
            ValueError: There are too few images for `dimensions`.
        """
        self.anchors = torch.cat([f_s, f_t])
        require_images(len(self.anchors), self.mapped_width())
        if self.hp.kernel == "rbf":
            self.gamma = median_gamma(self.anchors)
        k = gram(self.anchors, self._gamma())
        self.means = k.mean(0)
        gap = (k[: len(f_s)].mean(0) - k[len(f_s) :].mean(0))[:, None]
        w = transfer_components(k.sub_(self.means), gap, self.mapped_width(), mu=self.hp.mu)
        self.weights = w * len(self.anchors) ** 0.5

    def map_target(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Compute the components of images of either domain."""
        parts = x.to(self.anchors).split(4096)  # the kernel of all images at once may be too large
        kernels = (kernel(part, self.anchors, self._gamma()) for part in parts)
        return torch.cat([matmul(k.sub_(self.means), self.weights) for k in kernels])

    def _gamma(self) -> Tensor | None:
        return self.gamma if self.hp.kernel == "rbf" else None
