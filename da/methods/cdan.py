"""Conditional domain-adversarial training."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from da.functional import (
    entropy_weights,
    grl_warmup,
    multilinear,
    randomized_multilinear,
    reverse_gradient,
)
from da.methods.base import Batch, Losses, Method, Network, Scalar, mlp


class CDAN(Method):
    """Features from which, beside the predictions, a discriminator cannot tell the domain."""

    paper = "Long et al. 2018, arXiv:1705.10667"
    batchable = ("trade_off",)

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """The paper's CDAN+E, which its authors' code runs too; its CDAN is `entropy` off.

        As in that code, the discriminator's loss does not move predictions but by their weights.
        """

        trade_off: float = 1.0
        """Strength of the reversed gradients at the end of the warm-up, lambda in the paper."""
        hidden: tuple[int, ...] = (1024, 1024)
        """Widths of the discriminator's hidden layers."""
        entropy: bool = True
        """Weigh images by how certain their predictions are, so that these become certain."""
        exact_up_to: int = 4096
        """Widest product of features and predictions; a wider one is approximated at random."""
        random_width: int = 1024
        """Width of that approximation."""

    hp: Hparams
    r_f: Tensor
    r_p: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        width = self.width * classes
        self.randomized = width > hp.exact_up_to
        if self.randomized:
            width = hp.random_width
            self.register_buffer("r_f", torch.randn(self.width, width))
            self.register_buffer("r_p", torch.randn(classes, width))
        self.discriminator = mlp(width, hp.hidden, 1)

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Source cross-entropy, and domain cross-entropy through reversed gradients."""
        f_s, f_t = self.features(batch)
        f = torch.cat([f_s, f_t])
        logits = self.head(f)
        strength = self.hp.trade_off * grl_warmup(progress)
        p = reverse_gradient(logits.softmax(1), strength)
        domain = self.discriminate(reverse_gradient(f, strength), p.detach())
        is_source = torch.cat([domain.new_ones(len(f_s)), domain.new_zeros(len(f_t))])
        loss = F.binary_cross_entropy_with_logits(domain, is_source, reduction="none")
        if self.hp.entropy:
            p_s, p_t = p.split([len(f_s), len(f_t)])
            loss = loss * torch.cat([entropy_weights(p_s), entropy_weights(p_t)])
        return {"task": F.cross_entropy(logits[: len(f_s)], batch.source.y), "domain": loss.mean()}

    def discriminate(self, f: Float[Tensor, "b d"], p: Float[Tensor, "b k"]) -> Float[Tensor, "b"]:
        """Logits of coming from the source, by features and class probabilities together."""
        if self.randomized:
            both = randomized_multilinear(f, p, self.r_f, self.r_p)
        else:
            both = multilinear(f, p)
        return self.discriminator(both).squeeze(1)
