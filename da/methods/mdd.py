"""Margin disparity discrepancy."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import nn

from da.config.ranges import LogUniform, Uniform
from da.methods.base import Batch, Losses, Method, Network, Scalar
from da.ops.functional import cross_entropy_against, grl_warmup, reverse_gradient


class MDD(Method):
    """A second head agrees with the first on the source and not on the target; features mend that.

    The two heads are alike; predictions are the first one's.
    """

    paper = "Zhang et al. 2019, arXiv:1904.05801"
    family = "adversarial"
    batchable = "trade_off", "gamma"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """The authors' code, whose heads have a hidden layer of 1024 (`head` of the network).

        It counts steps where we count progress: the warm-up is over at a tenth of its training.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10)] = 0.1
        """Strength of the reversed gradient at the end of the warm-up."""
        gamma: Annotated[float, Uniform(1, 6)] = 4.0
        """Weight of the source's disparity, the exponential of the margin."""

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.rival = network.build_head(self.width, classes)

    def strength(self, progress: Scalar) -> Scalar:
        """Of the reversed gradient, once `progress` of the training is done."""
        return self.hp.trade_off * grl_warmup(progress)

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Source cross-entropy, and what the rival descends and features climb."""
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
