"""Finished runs as networks again, from the weights that were kept of them alone."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da import backbones, features, weights
from da.run import Run


class Kept(nn.Module):
    """The network that a finished run ended with, in evaluation mode; nothing moves it.

    Raises ValueError where the run's weights were not kept.
    """

    def __init__(self, run_id: str):
        super().__init__()
        self.run = run = Run.of(weights.run_settings(run_id))
        self.backbone = backbones.build(run.backbone, run_id)
        frozen = run.regime == "frozen"
        if frozen or run.unit_features:
            features.scale_outputs(self.backbone)
        classes = len(list(weights.run_weights(run_id, "head").values())[-1])
        read = backbones.Features(self.backbone.width) if frozen else self.backbone  # type: ignore[arg-type]
        self.method = run.method.build(read, classes, run.network)
        self.method.load_state_dict(weights.run_state(run_id))
        if run.channels_last:
            self.to(memory_format=torch.channels_last)
        self.eval().requires_grad_(False)

    def forward(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Class logits of target images as the network's input wants them."""
        if self.run.regime == "frozen":
            x = self.method.map_target(self.backbone(x))
        return self.method.predict(x).float()

    def predict(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """The same, of which no gradient is taken."""
        with torch.no_grad():
            return self(x)
