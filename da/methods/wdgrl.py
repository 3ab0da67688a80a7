"""Wasserstein distance guided representation learning."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.config.limits import AMOUNT, COUNT, SHARE
from da.config.ranges import IntRange, LogUniform
from da.methods.base import Batch, Losses, Method, Network, Phase, Scalar
from da.models.network import mlp
from da.ops.functional import gradient_penalty


class WDGRL(Method):
    """Train features whose two distributions a 1-Lipschitz critic cannot separate."""

    paper = "Shen et al. 2018, arXiv:1707.01217"
    family = "adversarial"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code for Amazon reviews, in algorithm 1.

        Differs from that code: both losses of the critic are divided by `1 + penalty`. This makes
        no difference to Adam, which is used there, and without it SGD diverges.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Weight of the Wasserstein distance, lambda in the paper; 0 for no adaptation."""
        hidden: Annotated[tuple[int, ...], COUNT] = (100,)
        """Widths of the critic's hidden layers; empty for a linear critic."""
        leak: Annotated[float, SHARE] = 0.2
        """Slope below 0 of the critic's ReLUs.
        It is 0 in the paper, with which features can silence all ReLUs.
        """
        critic_steps: Annotated[int, IntRange(1, 10), COUNT] = 5
        """Steps of the critic for each step of the features, n in the paper."""
        penalty: Annotated[float, LogUniform(1, 100), AMOUNT] = 10.0
        """Weight of the gradient penalty, gamma in the paper; 0 for a slope without limit."""

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        *layers, _ = mlp(self.width, hp.hidden, 1, leak=hp.leak)
        # Without a bias: it would add the same to the rating of both domains, and cancel.
        last = nn.Linear((self.width, *hp.hidden)[-1], 1, bias=False)
        self.critic = nn.Sequential(*layers, last)

    def phases(self) -> Iterator[Phase]:
        """Return the steps of the critic, then one step of everything else."""
        critic = list(self.critic.parameters())
        for _ in range(self.hp.critic_steps):
            yield Phase(self.criticize, critic)
        ours = {id(p) for p in critic}
        yield Phase(self, [p for p in self.parameters() if id(p) not in ours])

    def criticize(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses by which the critic separates the domains as far as its slope allows.

        The slope is also limited on the lines between images of the two domains.
        """
        with torch.no_grad():
            f_s, f_t = self.features(batch)
        pairs = min(len(f_s), len(f_t))
        where = torch.rand(pairs, 1, device=f_s.device, dtype=f_s.dtype)
        between = f_t[:pairs].lerp(f_s[:pairs], where)
        slope = gradient_penalty(self.critic, torch.cat([f_s, f_t, between]))
        share = self.hp.penalty / (1 + self.hp.penalty)
        return {"critic": (share - 1) * self.distance(f_s, f_t), "penalty": share * slope}

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and the distance that the critic has found."""
        f_s, f_t = self.features(batch)
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "distance": self.hp.trade_off * self.distance(f_s, f_t),
        }

    def distance(self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> Float[Tensor, ""]:
        """Return how much higher the critic rates the source; at best, the Wasserstein distance."""
        return self.critic(f_s).mean() - self.critic(f_t).mean()
