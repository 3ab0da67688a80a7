"""Domain-adversarial training."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.methods._adversarial import Adversarial
from da.methods.base import Losses, Network, Scalar
from da.ops.functional import reverse_gradient


class DANN(Adversarial):
    """Features from which a discriminator cannot tell the domain."""

    paper = "Ganin et al. 2016, arXiv:1505.07818"

    @dataclass(frozen=True)
    class Hparams(Adversarial.Hparams):
        """Eq. 9, where the domain loss is the sum; its two hidden layers are of 1024, or one of
        100 on MNIST. What others chose is in recipes.py.
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
        """Both losses, of features that are known already."""
        f = reverse_gradient(torch.cat([f_s, f_t]), self.strength(progress))
        return {
            "task": self.task_loss(self.head(f_s), y),
            "domain": self.domain_loss(self.discriminator(f).squeeze(1), len(f_s)),
        }
