"""What methods share that adapt while test images stream by."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.data.batch import Unlabeled
from da.data.domain import Images
from da.methods.base import Method, Network


class Streaming(Method):
    """Base of methods that see each test image once, and predict it when it arrives.

    A subclass calls `keep` in `forward`. What it learns is in parameters and buffers, so that the
    trainer can return to the beginning where a stream resets.
    """

    family = "test-time"
    source_free = True
    streams = True

    online: Tensor
    _seen: tuple[Tensor, Tensor]

    def __init__(self, hp: Method.Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.requires_grad_(False)
        self.register_buffer("online", torch.zeros(0, classes))

    def train(self, mode: bool = True) -> "Streaming":
        """Set the mode, in which all layers stay as in evaluation: dropout is off."""
        super().train(False)
        self.training = mode
        return self

    def prepare_target(self, target: Images) -> None:
        """Begin a stream of which no image has been seen."""
        self.online = self.online.new_full((len(target), self.classes), torch.nan)
        self.train()

    def keep(self, target: Unlabeled, logits: Float[Tensor, "b k"]) -> None:
        """Keep the predictions of a batch, which `after_step` stores.

        Args:
            target: The batch's test images.
            logits: Their predictions, made before the method learns from them.
        """
        self._seen = target.index, logits.detach().float()

    def after_step(self) -> None:
        """Store the predictions that were made before the step."""
        index, logits = self._seen
        self.online[index] = logits
