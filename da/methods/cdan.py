"""Conditional domain-adversarial training."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.methods._adversarial import Adversarial
from da.methods.base import Losses, Network, Scalar
from da.ops.functional import entropy_weights, multilinear, randomized_multilinear, reverse_gradient


class CDAN(Adversarial):
    """Features from which, beside the predictions, a discriminator cannot tell the domain."""

    paper = "Long et al. 2018, arXiv:1705.10667"

    @dataclass(frozen=True)
    class Hparams(Adversarial.Hparams):
        """The paper's CDAN+E, which its authors' code runs too; its CDAN is `entropy` off.

        As in that code, the discriminator's loss does not move predictions but by their weights.
        """

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
        self.discriminator = self.build_discriminator(width)

    def domain_losses(
        self,
        f_s: Float[Tensor, "n d"],
        f_t: Float[Tensor, "m d"],
        y: Int[Tensor, "n"],
        progress: Scalar,
    ) -> Losses:
        """Both losses, of features that are known already."""
        f = torch.cat([f_s, f_t])
        logits = self.head(f)
        strength = self.strength(progress)
        p = reverse_gradient(logits.softmax(1), strength)
        domain = self.discriminate(reverse_gradient(f, strength), p.detach())
        weights: Tensor | float = 1.0
        if self.hp.entropy:
            p_s, p_t = p.split([len(f_s), len(f_t)])
            weights = torch.cat([entropy_weights(p_s), entropy_weights(p_t)])
        return {
            "task": self.task_loss(logits[: len(f_s)], y),
            "domain": self.domain_loss(domain, len(f_s), weights),
        }

    def discriminate(self, f: Float[Tensor, "b d"], p: Float[Tensor, "b k"]) -> Float[Tensor, "b"]:
        """Logits of coming from the source, by features and class probabilities together."""
        if self.randomized:
            both = randomized_multilinear(f, p, self.r_f, self.r_p)
        else:
            both = multilinear(f, p)
        return self.discriminator(both).squeeze(1)
