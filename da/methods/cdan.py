"""Conditional domain-adversarial training."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.config.limits import COUNT, WHOLE
from da.methods._adversarial import Adversarial
from da.methods.base import Losses, Network, Scalar
from da.ops.functional import entropy_weights, multilinear, randomized_multilinear, reverse_gradient


class CDAN(Adversarial):
    """Train features whose domain a discriminator cannot tell, even given the predictions."""

    paper = "Long et al. 2018, arXiv:1705.10667"

    @dataclass(frozen=True)
    class Hparams(Adversarial.Hparams):
        """Settings of the paper's CDAN+E, which its authors' code also runs.

        Without `entropy` it is the paper's CDAN. As in that code, the loss of the discriminator
        moves the predictions only through the weights of images.
        """

        entropy: bool = True
        """Whether images with certain predictions weigh more, which makes predictions certain."""
        exact_up_to: Annotated[int, WHOLE] = 4096
        """Largest exact product (features times classes); a wider one is approximated at random."""
        random_width: Annotated[int, COUNT] = 1024
        """Width of the random approximation, where it is used."""

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
        """Compute both losses from features.

        Args:
            f_s: Features of source images.
            f_t: Features of target images.
            y: Classes of the source images.
            progress: Share of the training that is done, from 0 to 1.
        """
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
        """Compute logits of coming from the source, by features and class probabilities."""
        if self.randomized:
            both = randomized_multilinear(f, p, self.r_f, self.r_p)
        else:
            both = multilinear(f, p)
        return self.discriminator(both).squeeze(1)
