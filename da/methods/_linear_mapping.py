"""Base class of mappings that multiply the features of each domain by a matrix."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.methods._mapping import Mapping
from da.methods.base import Method, Network
from da.ops.linalg import spread
from da.ops.matmul import matmul


class LinearMapping(Mapping):
    """Base class of mappings that standardize each domain and multiply it by a matrix.

    A subclass computes the matrices in `maps`.
    """

    source_mean: Tensor
    source_map: Tensor
    target_mean: Tensor
    target_map: Tensor

    def __init__(self, hp: Method.Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        for domain in ("source", "target"):
            self.register_buffer(f"{domain}_mean", torch.zeros(self.width))
            identity = torch.eye(self.width)[:, : self.mapped_width()].contiguous()
            self.register_buffer(f"{domain}_map", identity)

    def maps(
        self, z_s: Float[Tensor, "n d"], z_t: Float[Tensor, "m d"]
    ) -> tuple[Float[Tensor, "d e"] | None, Float[Tensor, "d e"] | None]:
        """Compute the matrices for standardized source and target features; None for no matrix."""
        raise NotImplementedError

    def find(self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> None:
        """Store the means of both domains and their matrices, divided by the spreads."""
        self.source_mean, self.target_mean = f_s.mean(0), f_t.mean(0)
        spread_s, spread_t = map(spread, (f_s, f_t))
        z_s, z_t = (f_s - self.source_mean) / spread_s, (f_t - self.target_mean) / spread_t
        map_s, map_t = self.maps(z_s, z_t)
        self.source_map = 1 / spread_s if map_s is None else map_s / spread_s[:, None]
        self.target_map = 1 / spread_t if map_t is None else map_t / spread_t[:, None]

    def map_source(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Map source features by the source's mean and matrix."""
        return _multiply(x.to(self.source_map) - self.source_mean, self.source_map)

    def map_target(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Map target features by the target's mean and matrix."""
        return _multiply(x.to(self.target_map) - self.target_mean, self.target_map)


def _multiply(
    f: Float[Tensor, "b d"], matrix: Float[Tensor, "d e"] | Float[Tensor, "d"]
) -> Float[Tensor, "b e"]:
    """Return `f @ matrix`, where a vector stands for a diagonal matrix."""
    return f * matrix if matrix.ndim == 1 else matmul(f, matrix)
