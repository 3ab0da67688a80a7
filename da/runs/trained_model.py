"""A finished run as one network, from pixels to class logits, without any data set."""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor, nn

from da.data.transforms import Resize, crop_center
from da.methods import Method
from da.models import backbones, checkpoints
from da.models.backbone import Features
from da.models.features import scale_outputs, scale_rows
from da.runs.run import Run


class TrainedModel(nn.Module):
    """What a run ended with, for evaluation: backbone, and maps and classifier of its method.

    Its logits are those of `da.evaluation.predictions` up to rounding, in float32 whatever the run
    computed in.
    """

    def __init__(self, backbone: nn.Module | None, method: Method, about: checkpoints.NetworkInfo):
        super().__init__()
        self.backbone = backbone
        """The frozen one that features came from; None where the method holds its own."""
        self.method = method
        self.about = about
        self.eval().requires_grad_(False)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the logits."""
        return self.about.classes

    @property
    def parts(self) -> tuple[nn.Module, ...]:
        """Backbone, neck and head: what images pass through."""
        return self.backbone or self.method.backbone, self.method.neck, self.method.head

    @property
    def resize(self) -> Resize:
        """How images become the network's input."""
        return Resize(*self.about.resize)

    @property
    def stored_side(self) -> int:
        """Pixels a side that images are brought to first."""
        return self.about.stored_side

    def forward(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Class logits of target images: uint8 pixels `b h w 3` of any size, or network input."""
        if x.dtype == torch.uint8 and x.shape[-1] == 3:
            x = crop_center(resize_to_square(x, self.stored_side), self.resize)
        if self.backbone is not None:
            f = self.method.backbone(scale_rows(self.backbone(x).float()))
            x = self.method.map_target(f)
        return self.method.predict(x).float()


def resize_to_square(x: UInt8[Tensor, "b h w 3"], side: int) -> Float[Tensor, "b {side} {side} 3"]:
    """Images as `side` by `side` pixels in 0..1, as `da.data.decode` makes them but not rounded.

    Those that are of that size already keep their values, bit by bit.
    """
    pixels = rearrange(x, "b h w c -> b c h w").float()
    pixels = F.interpolate(pixels, (side, side), mode="bicubic", antialias=True)
    return rearrange(pixels.clamp(0, 255) / 255, "b c h w -> b h w c")


def load_trained_model(run_id: str) -> TrainedModel:
    """The network of a finished run, on the CPU.

    Raises ValueError where its weights were not kept, or are of another network.
    """
    state, about = checkpoints.load_network_state(run_id)
    run = Run.of(about.settings)
    backbone = backbones.build_backbone(run.backbone, run_id, **run.backbone_options)
    if run.unit_features:
        scale_outputs(backbone)
    frozen = run.regime == "frozen"
    read = Features(backbone.width, state.get("backbone.columns"))  # type: ignore[arg-type]
    method = run.method.build(read if frozen else backbone, len(about.classes), run.network)
    try:
        method.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"weights of run {run_id!r} are of another network") from error
    return TrainedModel(backbone if frozen else None, method, about)
