"""What closed-form feature mappings share: fixed features, a map a domain, a linear head."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from da.batch import Batch
from da.domains import Images, LabeledImages
from da.methods.base import Losses, Method, Network, mlp
from da.vision import unaugmented


class Mapping(Method):
    """Features of each domain, mapped once before training, and a linear head on them.

    The features must not move, so the backbone is frozen. What the maps need is found by `find`
    and kept in buffers, whose sizes may depend on how many images there are. Neck, dropout and
    hidden layers of the head are not used.
    """

    frozen_only = True
    batchable: ClassVar[tuple[str, ...] | None] = ()

    def __init__(self, hp: Method.Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, Network(neck=0, dropout=0, bn=network.bn))
        self.head = mlp(self.mapped_width(), (), classes)

    def mapped_width(self) -> int:
        """Width of mapped features."""
        return self.width

    def find(self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> None:
        """Set the buffers that the maps need, from all source and target training features."""
        raise NotImplementedError

    def map_source(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Mapped features of source images."""
        raise NotImplementedError

    def map_target(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Mapped features of target images."""
        raise NotImplementedError

    @torch.no_grad()
    def prepare(self, source: LabeledImages, target: Images) -> None:
        """Find the maps."""
        place = next(self.head.parameters())
        f_s, f_t = (
            self.backbone(unaugmented(images.take(torch.arange(len(images))).to(place), side=0))
            for images in (source, target)
        )
        self.find(f_s, f_t)

    def forward(self, batch: Batch, progress: float | Tensor) -> Losses:
        """Cross-entropy of mapped source features."""
        return {"task": F.cross_entropy(self.predict_source(batch.source.x), batch.source.y)}

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Take over buffers of any size: a method that was not prepared cannot know it."""
        for name, buffer in self.named_buffers(recurse=False):
            if prefix + name in state_dict:
                setattr(self, name, buffer.new_empty(state_dict[prefix + name].shape))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


class LinearMapping(Mapping):
    """Features of each domain, standardised and multiplied by a matrix."""

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
    ) -> tuple[Float[Tensor, "d e"], Float[Tensor, "d e"] | None]:
        """Matrices for standardised source and target features; None where they stay."""
        raise NotImplementedError

    def find(self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> None:
        """Means, spreads and the two matrices."""
        self.source_mean, self.target_mean = f_s.mean(0), f_t.mean(0)
        spread_s, spread_t = (f.std(0).clamp_min(1e-6) for f in (f_s, f_t))
        z_s, z_t = (f_s - self.source_mean) / spread_s, (f_t - self.target_mean) / spread_t
        map_s, map_t = self.maps(z_s, z_t)
        self.source_map = map_s / spread_s[:, None]
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
    return f * matrix if matrix.ndim == 1 else f @ matrix
