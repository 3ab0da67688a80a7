"""Adaptive batch normalization."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from da.methods.base import Batch, Losses, Method, Network, Scalar


class AdaBN(Method):
    """Train on the source; for target images, give each batch norm the target's statistics.

    The weights are those of source_only. Without batch norm, for example on features without a
    neck (`network.neck` 0), the predictions are also those of source_only.

    Differs from the paper: there the statistics are those of all target images, once training is
    over. Here they are running averages during training, as the source's statistics always are.
    """

    paper = "Li et al. 2016, arXiv:1603.04779"
    family = "norm"

    def __init__(self, hp: Method.Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.target_of_backbone = TargetStatistics(self.backbone)
        self.target_of_neck = TargetStatistics(self.neck)
        self._x_t: Tensor | None = None

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and keep the target images for `after_step`."""
        if self.training:
            self._x_t = batch.target.x
        logits = self.predict_source(batch.source.x)
        return {"task": self.task_loss(logits, batch.source.y)}

    @torch.no_grad()
    def after_step(self) -> None:
        """Update the target's statistics by a forward pass of the batch's target images."""
        if self._x_t is not None:
            self.embed(self._x_t)
        self._x_t = None

    def embed(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b d"]:
        """Compute the features of target images with the target's statistics."""
        f = functional_call(self.backbone, self.target_of_backbone.tensors_by_path(), x)
        return functional_call(self.neck, self.target_of_neck.tensors_by_path(), f)

    def embed_source(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b d"]:
        """Compute the features of source images with the source's statistics."""
        return super().embed(x)


class TargetStatistics(nn.Module):
    """Second set of running statistics for the batch norms of a network, without weights."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.paths: list[str] = []
        self.norms = nn.ModuleList()
        for path, norm in network.named_modules():
            if isinstance(norm, _BatchNorm) and norm.track_running_stats:
                self.paths.append(path)
                self.norms.append(nn.BatchNorm1d(norm.num_features, affine=False))
                self.norms[-1].load_state_dict(dict(norm.named_buffers()))

    def tensors_by_path(self) -> dict[str, Tensor]:
        """Return the statistics under the names of the network's buffers that they replace."""
        return {
            f"{path}.{name}": statistic
            for path, norm in zip(self.paths, self.norms, strict=True)
            for name, statistic in norm.named_buffers()
        }
