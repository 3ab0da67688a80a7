"""Define a training step as Transfer-Learning-Library documents it, written for this benchmark.

The step has one joint pass, a gradient reversal that warms up, sigmoid and binary cross-entropy,
and fetches three numbers per step. This file has no line of the library.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from peers import Data, Parts, Step

REVERSAL_WARM_UP = 1000
"""Steps until the reversed gradient has its full strength."""


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.clone()

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * grad, None


class _Adversary(nn.Module):
    """Domain loss through a reversed gradient whose strength grows from step to step."""

    def __init__(self, discriminator: nn.Module):
        super().__init__()
        self.discriminator = nn.Sequential(discriminator, nn.Sigmoid())
        self.steps = 0

    def forward(self, f_s: Tensor, f_t: Tensor, weight: Tensor | None = None) -> Tensor:
        strength = 2 / (1 + math.exp(-self.steps / REVERSAL_WARM_UP)) - 1
        self.steps += 1
        d = self.discriminator(_Reverse.apply(torch.cat((f_s, f_t)), strength))
        d_s, d_t = d.chunk(2)
        ones = torch.ones((len(f_s), 1)).to(f_s.device)
        zeros = torch.zeros((len(f_t), 1)).to(f_t.device)
        self.accuracy = 50 * ((d_s >= 0.5).float().mean() + (d_t < 0.5).float().mean())
        if weight is None:
            return 0.5 * (F.binary_cross_entropy(d_s, ones) + F.binary_cross_entropy(d_t, zeros))
        return F.binary_cross_entropy(d, torch.cat((ones, zeros)), weight[:, None])


def tllib_style(parts: Parts, name: str, data: Data) -> Step:
    """A step as Transfer-Learning-Library's example scripts do it."""
    if name == "mcd":
        return _mcd(parts, data)
    optimizer = parts.optimizer(*parts.all())
    adversary: Any = _Adversary(parts.discriminator) if parts.discriminator else None

    def transfer(f: Tensor, y: Tensor) -> Tensor:
        if name == "mcc":
            return _confusion(y.chunk(2)[1])
        if name == "dann":
            return adversary(*f.chunk(2))
        g = F.softmax(y, dim=1).detach()
        h = parts.combine(f, g)
        return adversary(*h.chunk(2), _certainty(F.softmax(y, dim=1).detach()))

    def step() -> None:
        x = data.x_s if name == "source_only" else torch.cat((data.x_s, data.x_t))
        f = parts.features(x)
        y = parts.head(f)
        y_s = y[: len(data.x_s)]
        loss = F.cross_entropy(y_s, data.y_s)
        meters = [loss, _accuracy(y_s, data.y_s)]
        if name != "source_only":
            gap = transfer(f, y)
            loss = loss + gap
            meters = [loss, meters[1], adversary.accuracy if adversary else gap]
        for meter in meters:
            meter.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def _mcd(parts: Parts, data: Data) -> Step:
    features, head, rival = parts.features, parts.head, parts.rival
    of_features, of_heads = parts.optimizer(features), parts.optimizer(head, rival)
    x = torch.cat((data.x_s, data.x_t))

    def both() -> tuple[Tensor, Tensor, Tensor, Tensor]:
        f = features(x)
        return (*head(f).chunk(2), *rival(f).chunk(2))

    def minimize(loss: Tensor, *optimizers: Optimizer) -> None:
        of_features.zero_grad()
        of_heads.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()

    def task(y1_s: Tensor, y2_s: Tensor) -> Tensor:
        return F.cross_entropy(y1_s, data.y_s) + F.cross_entropy(y2_s, data.y_s)

    def apart(y1_t: Tensor, y2_t: Tensor) -> Tensor:
        return (F.softmax(y1_t, dim=1) - F.softmax(y2_t, dim=1)).abs().mean()

    def step() -> None:
        y1_s, _, y2_s, _ = both()
        minimize(task(y1_s, y2_s), of_features, of_heads)
        y1_s, y1_t, y2_s, y2_t = both()
        minimize(task(y1_s, y2_s) - apart(y1_t, y2_t), of_heads)
        for _ in range(4):
            y1_s, y1_t, y2_s, y2_t = both()
            loss = apart(y1_t, y2_t)
            minimize(loss, of_features)
        for meter in (task(y1_s, y2_s), loss, _accuracy(y1_s, data.y_s)):
            meter.item()

    return step


def _accuracy(y: Tensor, labels: Tensor) -> Tensor:
    return 100 * (y.topk(1)[1].squeeze(1) == labels).float().mean()


def _certainty(p: Tensor) -> Tensor:
    weight = 1 + torch.exp((p * torch.log(p + 1e-5)).sum(1))
    return weight / weight.sum() * len(weight)


def _confusion(y: Tensor, temperature: float = 2.5) -> Tensor:
    p = F.softmax(y / temperature, dim=1)
    weight = 1 + torch.exp((p * torch.log(p + 1e-5)).sum(1))
    weight = (len(weight) * weight / weight.sum()).detach().unsqueeze(1)
    confusion = (p * weight).T @ p
    confusion = confusion / confusion.sum(1)
    return (confusion.sum() - confusion.trace()) / confusion.shape[0]
