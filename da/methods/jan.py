"""Joint adaptation network."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from da.config.limits import AMOUNT, POSITIVE
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Network, Scalar
from da.ops.functional import reverse_gradient
from da.ops.kernels import gaussian_kernel, linear_mmd, mmd


class JAN(Method):
    """Align the joint distribution of features and predictions across domains."""

    paper = "Long et al. 2017, arXiv:1605.06636"
    family = "discrepancy"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' PyTorch code.

        Differs from the paper, as that code does: the estimate uses all pairs of a batch, unless
        `linear`, and the weight is not warmed up. In Transfer-Learning-Library `prediction_width`
        is 1.6928.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Weight of the discrepancy, lambda in the paper; 0 for no adaptation."""
        prediction_width: Annotated[float, LogUniform(0.3, 10), POSITIVE] = 1.68
        """Width of the single kernel of predictions; features have five kernels, as in DAN."""
        adversarial: bool = False
        """Whether kernels see features and predictions through a linear layer each, which raises
        the discrepancy (JAN-A). The layers begin as identities.
        """
        linear: bool = False
        """Whether only neighbors in a batch are pairs, as in the paper."""
        self_pairs: bool = False
        """Whether the width of the kernels of features is a mean that counts each image's distance
        of 0 to itself, as in Transfer-Learning-Library.
        """

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        if hp.adversarial:
            self.theta_features = Adversary(self.width)
            self.theta_predictions = Adversary(classes)

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and the discrepancy by the product of both kernels."""
        f_s, f_t = self.features(batch)
        f = torch.cat([f_s, f_t])
        logits = self.head(f)
        p = logits.softmax(1)
        if self.hp.adversarial:
            f, p = self.theta_features(f), self.theta_predictions(p)
        k_f = gaussian_kernel(f, self_pairs=self.hp.self_pairs)
        k_p = gaussian_kernel(p, (1.0,), self.hp.prediction_width)
        distance = linear_mmd if self.hp.linear else mmd
        return {
            "task": self.task_loss(logits[: len(f_s)], batch.source.y),
            "jmmd": self.hp.trade_off * distance(k_f * k_p, len(f_s)),
        }


class Adversary(nn.Module):
    """A linear layer that climbs the loss which all before it descend; it begins as an identity."""

    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.eye(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
        """Map the rows of `x`, and reverse the gradient of the layer alone."""
        return reverse_gradient(F.linear(reverse_gradient(x), self.weight, self.bias))
