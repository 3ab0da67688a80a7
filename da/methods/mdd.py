"""Margin disparity discrepancy."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import nn

from da.config.limits import AMOUNT, POSITIVE
from da.config.ranges import LogUniform, Uniform
from da.methods.base import Batch, Losses, Method, Network, Scalar
from da.models.network import build_head
from da.ops.functional import cross_entropy_against, grl_warmup, reverse_gradient


class MDD(Method):
    """Train features on which no second head agrees on the source but disagrees on the target.

    The second head learns to agree with the first on the source and to disagree with it on the
    target. The gradient of its loss reaches the features with the opposite sign. Both heads have
    the same layers; predictions are those of the first.
    """

    paper = "Zhang et al. 2019, arXiv:1904.05801"
    family = "adversarial"
    batchable = "trade_off", "gamma"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code, except for the network and the warm-up.

        Their heads have a hidden layer of 1024 with a dropout of 0.5: `head` and `head_dropout` of
        the network. Their warm-up counts steps; with a `steepness` of 1 for each 1000 steps of the
        run it is the same, and so is that of Transfer-Learning-Library.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 0.1
        """Final strength of the reversed gradient, after a warm-up; 0 for no adaptation."""
        gamma: Annotated[float, Uniform(1, 6), POSITIVE] = 4.0
        """Weight of the disparity on the source, which is the exponential of the margin."""
        steepness: Annotated[float, LogUniform(1, 100), POSITIVE] = 10.0
        """Speed at which the strength of the reversed gradient warms up, as in DANN."""

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.rival = build_head(network, self.width, classes)

    def strength(self, progress: Scalar) -> Scalar:
        """Return the strength of the reversed gradient at `progress` (0 to 1)."""
        return self.hp.trade_off * grl_warmup(progress, self.hp.steepness)

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and a loss that the rival lowers and features raise."""
        f_s, f_t = self.features(batch)
        logits, f = self.head(f_s), torch.cat([f_s, f_t])
        rival = self.rival(reverse_gradient(f, self.strength(progress)))
        rival_s, rival_t = rival.split([len(f_s), len(f_t)])
        agree = F.cross_entropy(rival_s, logits.argmax(1))
        part = cross_entropy_against(rival_t, self.head(f_t).argmax(1))
        return {
            "task": self.task_loss(logits, batch.source.y),
            "disparity": self.hp.gamma * agree + part,
        }
