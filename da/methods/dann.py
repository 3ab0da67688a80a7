"""Domain-adversarial training."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from da.functional import grl_warmup, reverse_gradient
from da.methods.base import Batch, Losses, Method, Network, Scalar, mlp


class DANN(Method):
    """Features from which a discriminator cannot tell the domain."""

    paper = "Ganin et al. 2016, arXiv:1505.07818"
    batchable = ("trade_off",)

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Eq. 9; the domain loss is the mean over both domains, half of the sum printed there."""

        trade_off: float = 1.0
        """Strength of the reversed gradient at the end of the warm-up, lambda in eq. 9."""
        hidden: tuple[int, ...] = (1024, 1024)
        """Widths of the discriminator's hidden layers; 100 for the paper's MNIST network."""

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.discriminator = mlp(self.width, hp.hidden, 1)

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Source cross-entropy, and domain cross-entropy through a reversed gradient."""
        f_s, f_t = self.features(batch)
        strength = self.hp.trade_off * grl_warmup(progress)
        logits = self.discriminator(reverse_gradient(torch.cat([f_s, f_t]), strength)).squeeze(1)
        is_source = torch.cat([logits.new_ones(len(f_s)), logits.new_zeros(len(f_t))])
        return {
            "task": F.cross_entropy(self.head(f_s), batch.source.y),
            "domain": F.binary_cross_entropy_with_logits(logits, is_source),
        }
