"""What closed-form feature mappings share: fixed features, a map a domain, a linear head."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da.batch import Batch
from da.domains import Images, LabeledImages
from da.methods.base import Losses, Method, Network, mlp


class Mapping(Method):
    """Features of each domain, standardised and multiplied by a matrix found before training.

    The features must not move, so the backbone is frozen; a linear head learns on mapped source
    features. Neck, dropout and hidden layers of the head are not used.
    """

    frozen_only = True
    source_mean: Tensor
    source_map: Tensor
    target_mean: Tensor
    target_map: Tensor

    def __init__(self, hp: Method.Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, Network(neck=0, dropout=0, bn=network.bn))
        inputs, outputs = self.width, self.mapped_width()
        self.head = mlp(outputs, (), classes)
        for domain in ("source", "target"):
            self.register_buffer(f"{domain}_mean", torch.zeros(inputs))
            self.register_buffer(f"{domain}_map", torch.eye(inputs)[:, :outputs].contiguous())

    def mapped_width(self) -> int:
        """Width of mapped features."""
        return self.width

    def maps(
        self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]
    ) -> tuple[Float[Tensor, "d e"], Float[Tensor, "d e"]]:
        """The matrices that standardised source and target features are multiplied by."""
        raise NotImplementedError

    @torch.no_grad()
    def prepare(self, source: LabeledImages, target: Images) -> None:
        """Find the maps."""
        f_s, f_t = (
            self.backbone(images.take(torch.arange(len(images))).to(self.source_mean)).float()
            for images in (source, target)
        )
        self.source_mean.copy_(f_s.mean(0))
        self.target_mean.copy_(f_t.mean(0))
        spread_s, spread_t = (f.std(0).clamp_min(1e-6) for f in (f_s, f_t))
        z_s, z_t = (f_s - self.source_mean) / spread_s, (f_t - self.target_mean) / spread_t
        map_s, map_t = self.maps(z_s, z_t)
        self.source_map.copy_(map_s / spread_s[:, None])
        self.target_map.copy_(map_t / spread_t[:, None])

    def embed(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b e"]:
        """Mapped features of target images."""
        return (self.backbone(x) - self.target_mean) @ self.target_map

    def embed_source(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b e"]:
        """Mapped features of source images."""
        return (self.backbone(x) - self.source_mean) @ self.source_map

    def forward(self, batch: Batch, progress: float) -> Losses:
        """Cross-entropy of mapped source features."""
        return {"task": F.cross_entropy(self.predict_source(batch.source.x), batch.source.y)}
