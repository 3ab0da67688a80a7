"""What closed-form feature mappings share: fixed features, a map a domain, a linear head."""

from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.data.batch import Batch
from da.data.domain import Images, LabeledImages
from da.methods.base import Losses, Method, Network
from da.models.network import mlp


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

    def find_by_class(
        self, f_s: Float[Tensor, "n d"], y_s: Int[Tensor, "n"], f_t: Float[Tensor, "m d"]
    ) -> None:
        """`find`, for maps that need the classes of source images; most do not."""
        self.find(f_s, f_t)

    def map_source(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Mapped features of source images; where both domains are mapped alike, the same."""
        return self.map_target(x)

    def map_target(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Mapped features of target images."""
        raise NotImplementedError

    @torch.no_grad()
    def prepare(self, source: LabeledImages, target: Images) -> None:
        """Find the maps."""
        place = next(self.head.parameters())
        f_s, f_t = (
            self.backbone(images.shown(torch.arange(len(images)), place.device))
            for images in (source, target)
        )
        self.find_by_class(f_s, source.y.to(place.device), f_t)

    def forward(self, batch: Batch, progress: float | Tensor) -> Losses:
        """Cross-entropy of mapped source features."""
        return {"task": self.task_loss(self.predict_source(batch.source.x), batch.source.y)}
