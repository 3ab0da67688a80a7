"""Conditional domain-adversarial training."""

from dataclasses import dataclass
from typing import Annotated, Literal

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
        moves the predictions only through the weights of images, and the product of features and
        predictions is exact unless `randomized`.
        """

        entropy: bool = True
        """Whether images with certain predictions weigh more, which makes predictions certain."""
        exact_up_to: Annotated[int, WHOLE] = 4096
        """Largest product (features times classes) that is exact although `randomized`."""
        random_width: Annotated[int, COUNT] = 1024
        """Width of the random approximation, where it is used."""
        randomized: bool = False
        """Whether a product wider than `exact_up_to` is approximated at random, as in the paper."""
        entropy_as: Literal["authors", "tllib"] = "authors"
        """Whose code computes the weights of `entropy`.
        authors: in each domain apart, and predictions learn through them.
        tllib: in both domains together, and nothing learns through them.
        """

        def contradictions(self) -> dict[str, bool]:
            """Return those of the discriminator, and whether weights are told that are not used."""
            return super().contradictions() | {
                "entropy_as tllib goes with entropy": (
                    self.entropy_as == "tllib" and not self.entropy
                )
            }

    hp: Hparams
    r_f: Tensor
    r_p: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        width = self.width * classes
        self.randomized = hp.randomized and width > hp.exact_up_to
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
        weights = self.weigh(p, len(f_s)) if self.hp.entropy else 1.0
        return {
            "task": self.task_loss(logits[: len(f_s)], y),
            "domain": self.domain_loss(domain, len(f_s), weights),
        }

    def weigh(self, p: Float[Tensor, "b k"], n: int) -> Float[Tensor, "b"]:
        """Compute the weights of images by their class probabilities; `n` are of the source."""
        if self.hp.entropy_as == "tllib":
            return entropy_weights(p.detach())
        return torch.cat([entropy_weights(p[:n]), entropy_weights(p[n:])])

    def discriminate(self, f: Float[Tensor, "b d"], p: Float[Tensor, "b k"]) -> Float[Tensor, "b"]:
        """Compute logits of coming from the source, by features and class probabilities."""
        if self.randomized:
            both = randomized_multilinear(f, p, self.r_f, self.r_p)
        else:
            both = multilinear(f, p)
        return self.discriminator(both).squeeze(1)
