"""Base class of closed-form mappings: fixed features, a map for each domain, a linear head."""

from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.data.batch import Batch
from da.data.domain import Images, LabeledImages
from da.methods.base import Losses, Method, Network
from da.models.network import mlp


class Mapping(Method):
    """Base class of methods that map features once, before training, and train a linear head.

    The features must not move, so the backbone is frozen. A subclass computes what its maps need in
    `find`, stores it in buffers, and applies it in `map_target` (and `map_source`, where it
    differs). The size of a buffer may depend on the number of images. The neck, dropout and the
    hidden layers of the head are not used.
    """

    frozen_only = True
    batchable: ClassVar[tuple[str, ...] | None] = ()

    def __init__(self, hp: Method.Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, Network(neck=0, dropout=0, bn=network.bn))
        self.head = mlp(self.mapped_width(), (), classes)

    def mapped_width(self) -> int:
        """Return the width of mapped features."""
        return self.width

    def find(self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> None:
        """Set the buffers that the maps need, from all training features of both domains."""
        raise NotImplementedError

    def find_by_class(
        self, f_s: Float[Tensor, "n d"], y_s: Int[Tensor, "n"], f_t: Float[Tensor, "m d"]
    ) -> None:
        """Do the same as `find`, for maps that also need the classes of source images.

        Override this in place of `find` where they do. By default, the classes are not used.

        Args:
            f_s: Features of all source training images.
            y_s: Their classes.
            f_t: Features of all target training images.
        """
        self.find(f_s, f_t)

    def map_source(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Map source features. By default, both domains are mapped in the same way."""
        return self.map_target(x)

    def map_target(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Map target features."""
        raise NotImplementedError

    @torch.no_grad()
    def prepare(self, source: LabeledImages, target: Images) -> None:
        """Compute the maps from all training images."""
        place = next(self.head.parameters())
        f_s, f_t = (
            self.backbone(images.to_input(torch.arange(len(images)), place.device))
            for images in (source, target)
        )
        self.find_by_class(f_s, source.y.to(place.device), f_t)

    def forward(self, batch: Batch, progress: float | Tensor) -> Losses:
        """Return the cross-entropy of mapped source features."""
        return {"task": self.task_loss(self.predict_source(batch.source.x), batch.source.y)}
