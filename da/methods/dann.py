"""Domain-adversarial training."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.methods._adversarial import Adversarial
from da.methods.base import Losses, Network, Scalar
from da.ops.functional import reverse_gradient


class DANN(Adversarial):
    """Train features that a domain discriminator cannot tell apart, by reversing its gradient."""

    paper = "Ganin et al. 2016, arXiv:1505.07818"

    @dataclass(frozen=True)
    class Hparams(Adversarial.Hparams):
        """Settings of the paper's eq. 9, except that `domain_loss` is the sum there.

        The paper has two hidden layers of 1024, or one of 100 on MNIST. The choices of others are
        in `da/runs/recipes.py`.
        """

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.discriminator = self.build_discriminator(self.width)

    def domain_losses(
        self,
        f_s: Float[Tensor, "n d"],
        f_t: Float[Tensor, "m d"],
        y: Int[Tensor, "n"],
        progress: Scalar,
    ) -> Losses:
        """Compute both losses from features.

        Args:
            f_s: Features of source images.
            f_t: Features of target images.
            y: Classes of the source images.
            progress: Share of the training that is done, from 0 to 1.
        """
        f = reverse_gradient(torch.cat([f_s, f_t]), self.strength(progress))
        return {
            "task": self.task_loss(self.head(f_s), y),
            "domain": self.domain_loss(self.discriminator(f).squeeze(1), len(f_s)),
        }
