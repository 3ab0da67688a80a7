"""Base class of mappings that multiply the features of each domain by a matrix."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.methods._standardized_mapping import StandardizedMapping
from da.methods.base import Method, Network
from da.ops.matmul import matmul

Matrix = Float[Tensor, "d e"] | Float[Tensor, "d"]
"""Matrix, where a vector stands for a diagonal one."""


class LinearMapping(StandardizedMapping):
    """Base class of mappings that center each domain and multiply it by a matrix.

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
    ) -> tuple[Matrix | None, Matrix | None]:
        """Compute the matrices for centered source and target features; None for no matrix."""
        raise NotImplementedError

    def find(self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> None:
        """Store the means of both domains and their matrices, divided by the scales."""
        self.source_mean, self.target_mean = f_s.mean(0), f_t.mean(0)
        scale_s, scale_t = map(self.scale, (f_s, f_t))
        z_s, z_t = (f_s - self.source_mean) / scale_s, (f_t - self.target_mean) / scale_t
        map_s, map_t = self.maps(z_s, z_t)
        self.source_map, self.target_map = _divide(map_s, scale_s), _divide(map_t, scale_t)

    def map_source(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Map source features by the source's mean and matrix."""
        return _multiply(x.to(self.source_map) - self.source_mean, self.source_map)

    def map_target(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Map target features by the target's mean and matrix."""
        return _multiply(x.to(self.target_map) - self.target_mean, self.target_map)


def _divide(matrix: Matrix | None, scale: Float[Tensor, "d"]) -> Matrix:
    """Return the matrix for features that are not yet divided by `scale`."""
    if matrix is None:
        return 1 / scale
    return matrix / (scale if matrix.ndim == 1 else scale[:, None])


def _multiply(f: Float[Tensor, "b d"], matrix: Matrix) -> Float[Tensor, "b e"]:
    """Return `f @ matrix`."""
    return f * matrix if matrix.ndim == 1 else matmul(f, matrix)
