"""Test-time entropy minimization."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from da.data.batch import Batch, TargetBatch, Unlabeled
from da.data.domain import Images
from da.methods.base import Losses, Method, Network, Scalar
from da.ops.functional import prediction_entropy


class Tent(Method):
    """Adapt batch norms while test images stream by, until predictions are certain.

    Raises ValueError for a network without batch norm.
    """

    paper = "Wang et al. 2021, arXiv:2006.10726"
    family = "test-time"
    source_free = True
    streams = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """No settings: each batch of the stream is one step.

        The predictions of a batch are made before its step, and are stored in `online`. Dropout is
        off. One image that is left at the end of the stream joins the batch before it: it has no
        statistics of its own. Differs from the authors' code: after the stream, the network uses
        the mean statistics of the stream; theirs would use those of each batch.
        """

    online: Tensor
    _seen: tuple[Unlabeled, Float[Tensor, "b k"]]

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.requires_grad_(False)
        self.norms = [module for module in self.modules() if isinstance(module, _BatchNorm)]
        if not self.norms:
            raise ValueError("tent moves batch norms, and this network has none, known: neck 256")
        for norm in self.norms:
            norm.requires_grad_(True)
        self.register_buffer("online", torch.zeros(0, classes))

    def train(self, mode: bool = True) -> "Tent":
        """Set the mode of batch norms; all other layers stay in evaluation mode."""
        super().train(False)
        for norm in self.norms:
            norm.train(mode)
        self.training = mode
        return self

    def prepare_target(self, target: Images) -> None:
        """Forget the source's statistics, and begin a stream of which no image has been seen."""
        for norm in self.norms:
            norm.reset_running_stats()
        self.steps = 0
        self.online = self.online.new_full((len(target), self.classes), torch.nan)
        self.train()

    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return the entropy of the predictions."""
        for norm in self.norms:
            norm.momentum = 1 / (1 + self.steps)  # for the mean over all batches
        logits = self.predict(batch.target.x)
        self._seen = batch.target, logits.detach().float()
        return {"entropy": prediction_entropy(logits).mean()}

    def after_step(self) -> None:
        """Store the predictions that were made before the step."""
        target, logits = self._seen
        self.online[target.index] = logits
        self.steps += 1
