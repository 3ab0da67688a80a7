"""Adversarial discriminative domain adaptation."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da.config.limits import AMOUNT, COUNT, POSITIVE, UNIT
from da.config.ranges import LogUniform, Uniform
from da.methods._adversarial import domain_cross_entropy
from da.methods.base import Batch, Losses, Method, Network, Phase, Scalar
from da.models.network import copy_as_buffers, mlp
from da.ops.functional import grl_warmup, reverse_gradient


class ADDA(Method):
    """Train a copy of the source encoder to give target features like those of the source.

    The encoder is backbone and neck. Raises ValueError where neither has anything to learn.
    """

    paper = "Tzeng et al. 2017, arXiv:1702.05464"
    family = "adversarial"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of both stages, which are one run with one optimizer.

        Differs from the paper: the discriminator learns from the first step on, and the batch norm
        of the source encoder is fixed when the second stage begins. Transfer-Learning-Library has
        another second stage: see `reversal`.
        """

        hidden: Annotated[tuple[int, ...], COUNT] = (500, 500)
        """Widths of the discriminator's hidden layers; empty for a linear discriminator."""
        source_share: Annotated[float, Uniform(0.1, 0.9), UNIT] = 0.5
        """Share of the training steps in which the source model learns, before the target adapts.
        The step that reaches this share still belongs to the source model. With 0, the run in
        `init` is the source model, of which `begins_with` network takes neck and head too.
        """
        hidden_norm: bool = False
        """Batch norm in the discriminator's hidden layers, of both domains together."""
        reversal: Annotated[float, LogUniform(0.1, 10), AMOUNT] = 0.0
        """Final strength of a reversed gradient, by which target features move in one step with the
        discriminator; 2 in Transfer-Learning-Library. 0 for inverted labels in a step of their own,
        as in the paper.
        """
        steepness: Annotated[float, LogUniform(1, 100), POSITIVE] = 10.0
        """Speed at which `reversal` warms up, as in DANN; unused where it is 0."""

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        if not list(self._encoder().parameters()):
            raise ValueError("adda learns features, not with neck 0 on frozen ones: use a neck")
        self.discriminator = mlp(self.width, hp.hidden, 1, norm=hp.hidden_norm)
        self.source_encoder = copy_as_buffers(self._encoder())
        self.adapting = hp.source_share == 0
        self.progress: Scalar = 0.0
        self.train()

    def phases(self) -> Iterator[Phase]:
        """Return the parts of one training step, which depend on the stage.

        In the first stage source model and discriminator learn; in the second, discriminator and
        target encoder, or both at once with `reversal`.
        """
        if self.adapting and self.hp.reversal:
            moved = [*self.discriminator.parameters(), *self._encoder().parameters()]
            yield Phase(self.oppose, moved)
            return
        if not self.adapting:
            yield Phase(self, [*self._encoder().parameters(), *self.head.parameters()])
        yield Phase(self.discriminate, list(self.discriminator.parameters()))
        if self.adapting:
            yield Phase(self.confuse, list(self._encoder().parameters()))

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy."""
        self.progress = progress
        return {"task": self.task_loss(self.head(self.embed(batch.source.x)), batch.source.y)}

    def discriminate(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the loss by which the discriminator learns which encoder features come from."""
        with torch.no_grad():
            f_s = self.embed_source(batch.source.x)
            f_t = (self.embed if self.adapting else self.embed_source)(batch.target.x)
        logits = self.discriminator(torch.cat([f_s, f_t])).squeeze(1)
        return {"domain": domain_cross_entropy(logits, len(f_s)).mean()}

    def confuse(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the loss by which target features come to look like source features."""
        logits = self.discriminator(self.embed(batch.target.x)).squeeze(1)
        return {"confusion": domain_cross_entropy(logits, len(logits)).mean()}

    def oppose(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the discriminator's loss, whose gradient is reversed for target features."""
        with torch.no_grad():
            f_s = self.embed_source(batch.source.x)
        strength = self.hp.reversal * grl_warmup(progress, self.hp.steepness)
        f_t = reverse_gradient(self.embed(batch.target.x), strength)
        logits = self.discriminator(torch.cat([f_s, f_t])).squeeze(1)
        return {"domain": domain_cross_entropy(logits, len(f_s)).mean()}

    def embed_source(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b d"]:
        """Compute the features of source images by the encoder that was trained on them."""
        return self.source_encoder(x)

    def train(self, mode: bool = True) -> "ADDA":
        """Set the mode, but keep the source encoder's batch norm in evaluation mode."""
        super().train(mode)
        for module in self.source_encoder.modules():
            module.training = mode and not isinstance(module, nn.modules.batchnorm._BatchNorm)
        return self

    def after_step(self) -> None:
        """Copy the encoder to the source encoder until the first stage ends, then keep the copy."""
        if not self.adapting:
            self.source_encoder.load_state_dict(self._encoder().state_dict())
            self.adapting = bool(self.progress >= self.hp.source_share)

    def get_extra_state(self) -> Tensor:
        """Return the stage, for a checkpoint."""
        return torch.tensor(self.adapting)

    def set_extra_state(self, state: Tensor) -> None:
        """Set the stage from a checkpoint."""
        self.adapting = bool(state)

    def _encoder(self) -> nn.Sequential:
        return nn.Sequential(self.backbone, self.neck)
