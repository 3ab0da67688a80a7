"""What mappings by a matrix a domain share."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.methods._mapping import Mapping
from da.methods.base import Method, Network
from da.ops.matmul import matmul


class LinearMapping(Mapping):
    """Features of each domain, standardized and multiplied by a matrix."""

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
        """Matrices for standardized source and target features; None where they stay."""
        raise NotImplementedError

    def find(self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> None:
        """Means, spreads and the two matrices."""
        self.source_mean, self.target_mean = f_s.mean(0), f_t.mean(0)
        spread_s, spread_t = (f.std(0).clamp_min(1e-6) for f in (f_s, f_t))
        z_s, z_t = (f_s - self.source_mean) / spread_s, (f_t - self.target_mean) / spread_t
        map_s, map_t = self.maps(z_s, z_t)
        self.source_map = 1 / spread_s if map_s is None else map_s / spread_s[:, None]
        self.target_map = 1 / spread_t if map_t is None else map_t / spread_t[:, None]

    def map_source(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Mapped features of source images."""
        return _multiplied(x.to(self.source_map) - self.source_mean, self.source_map)

    def map_target(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Mapped features of target images."""
        return _multiplied(x.to(self.target_map) - self.target_mean, self.target_map)


def _multiplied(
    f: Float[Tensor, "b d"], matrix: Float[Tensor, "d e"] | Float[Tensor, "d"]
) -> Float[Tensor, "b e"]:
    """`f @ matrix`, where a vector stands for a diagonal matrix."""
    return f * matrix if matrix.ndim == 1 else matmul(f, matrix)
