"""Sharpness-aware and reliable entropy minimization."""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from da.config.limits import AMOUNT, SHARE, UNIT
from da.config.ranges import LogUniform, Uniform
from da.data.batch import Batch, TargetBatch
from da.data.domain import Images
from da.methods._norms import MovesNorms, list_norms
from da.methods.base import Losses, Method, Network, Scalar
from da.models.stages import list_stages
from da.ops.functional import prediction_entropy


class SAR(MovesNorms):
    """Adapt norms by certain test images, toward weights around which entropy stays small.

    Where the entropy falls so far that predictions have collapsed, the norms return to the
    source's.

    Raises ValueError for a network without batch, layer or group norm.
    """

    paper = "Niu et al. 2023, arXiv:2302.12400"
    family = "test-time"
    source_free = True
    streams = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code.

        They keep the norms of layer4 of ResNet-50 and of the last 3 of 12 blocks of ViT-B as they
        are, which is the last quarter of the stages. On frozen features the moving norms are those
        of the neck.

        Differs from the authors' code: momentum of the optimizer outlives a return to the source;
        a batch without a certain image moves nothing, where theirs goes on by momentum; and after
        the stream, the network uses the mean statistics of the stream.
        """

        margin: Annotated[float, Uniform(0.1, 1), UNIT] = 0.4
        """Largest entropy of an image that counts, as a share of that of an even guess."""
        rho: Annotated[float, LogUniform(0.001, 0.5), AMOUNT] = 0.05
        """Distance uphill, in the space of weights, at which the gradient is taken."""
        collapse: Annotated[float, Uniform(0.01, 0.5), AMOUNT] = 0.2
        """Moving average of the entropy, in nats, below which norms return to the source's."""
        skip: Annotated[float, Uniform(0, 0.75), SHARE] = 0.25
        """Share of the backbone's stages, from the output on, whose norms stay."""

    hp: Hparams
    begun: Tensor
    mean: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.register_buffer("begun", torch.zeros(0))
        self.register_buffer("mean", torch.tensor(torch.nan))

    def choose_norms(self) -> list[nn.Module]:
        """Return all norms but those of the backbone's last stages."""
        stages = list_stages(self.backbone)
        last = stages[len(stages) - round(self.hp.skip * len(stages)) :]
        still = {id(layer) for stage in last for layer in stage.layers}
        return [norm for norm in list_norms(self) if id(norm) not in still]

    def prepare_target(self, target: Images) -> None:
        """Keep the source's norms, and begin a stream of which no image has been seen."""
        self.begun = parameters_to_vector(self.moving()).detach().clone()
        self.mean = torch.full_like(self.mean, torch.nan)
        super().prepare_target(target)

    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return the entropy of certain images, uphill from the weights."""
        logits = self.predict(batch.target.x)
        self.keep(batch.target, logits)
        entropy = prediction_entropy(logits)
        certain = entropy.detach() < self._limit()
        self._entropy = torch.full_like(self.mean, torch.nan)
        if not certain.any():
            return {"entropy": entropy.detach().sum() * 0}
        uphill = self._uphill(entropy[certain].mean(), batch.target.x)[certain]
        uphill = uphill[uphill.detach() < self._limit()]
        if not len(uphill):
            return {"entropy": entropy.detach().sum() * 0}
        self._entropy = uphill.detach().mean()
        return {"entropy": uphill.mean()}

    def _uphill(self, loss: Float[Tensor, ""], x: Tensor) -> Float[Tensor, "b"]:
        """Return each entropy `rho` uphill along a loss's gradient, as a function of the weights.

        Running statistics stay as they are.
        """
        network = nn.Sequential(self.backbone, self.neck, self.head)
        moving = {id(p) for p in self.moving()}
        weights = {n: p for n, p in network.named_parameters() if id(p) in moving}
        gradients = torch.autograd.grad(loss, list(weights.values()), materialize_grads=True)
        length = torch.stack([g.norm() for g in gradients]).norm()
        climbed = {
            name: p + self.hp.rho / (length + 1e-12) * g
            for (name, p), g in zip(weights.items(), gradients, strict=True)
        }
        statistics = {name: buffer.clone() for name, buffer in network.named_buffers()}
        return prediction_entropy(functional_call(network, climbed | statistics, (x,)))

    def after_step(self) -> None:
        """Store the predictions, and return to the source's norms where entropy has collapsed."""
        super().after_step()
        if self._entropy.isnan():
            return
        mean = torch.lerp(self.mean, self._entropy, 0.1)
        self.mean = self._entropy if self.mean.isnan() else mean
        if self.mean < self.hp.collapse:
            vector_to_parameters(self.begun, self.moving())
            self.mean = torch.full_like(self.mean, torch.nan)

    def _limit(self) -> float:
        return self.hp.margin * math.log(self.classes)
