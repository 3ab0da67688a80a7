"""The training loop: knows phases and steps, and nothing of any method, data set or metric."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import Optimizer

from da.batch import Batch
from da.methods.base import Losses, Method

Precision = Literal["fp32", "bf16"]
Schedule = Literal["constant", "cosine", "annealing"]

SCHEDULES: dict[Schedule, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
    "annealing": lambda progress: (1 + 10 * progress) ** -0.75,
}
"""Factor of the learning rate by progress; annealing as in Ganin et al. 2016, section 5.2.2."""


class DivergedError(ArithmeticError):
    """A loss is not finite."""


def average_gradients(params: list[nn.Parameter]) -> None:
    """Replace each gradient by its mean over processes; nothing to do in a single process."""
    if not dist.is_initialized():
        return
    grads = [p.grad for p in params if p.grad is not None]
    flat = torch.cat([g.flatten() for g in grads])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    parts = flat.split([g.numel() for g in grads])
    torch._foreach_copy_(grads, [part.view_as(g) for part, g in zip(parts, grads, strict=True)])


def train_step(
    method: Method,
    optimizer: Optimizer,
    batch: Batch,
    progress: float,
    precision: Precision = "fp32",
) -> Losses:
    """Move `method` by one step and give the losses, detached, before that step."""
    logged: Losses = {}
    for phase in method.phases():
        with torch.autocast(batch.source.x.device.type, torch.bfloat16, precision == "bf16"):
            losses = phase.losses(batch, progress)
        params = [p for p in phase.updates if p.requires_grad]
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward(inputs=params)
        average_gradients(params)
        optimizer.step()
        logged |= {name: loss.detach() for name, loss in losses.items()}
    method.after_step()
    return logged


class _Watch:
    """Remembers the first step at which a loss was not finite, without asking the device."""

    def __init__(self, device: torch.device) -> None:
        self.first: dict[str, Tensor] = {}
        self.none = torch.tensor(-1, device=device)

    def see(self, losses: Losses, step: int) -> None:
        for name, loss in losses.items():
            before = self.first.get(name, self.none)
            self.first[name] = torch.where((before < 0) & ~loss.isfinite(), step, before)

    def check(self) -> None:
        """Raise DivergedError, naming loss and step, if there was one."""
        bad = [(step, name) for name, at in self.first.items() if (step := int(at)) >= 0]
        if bad:
            step, name = min(bad)
            raise DivergedError(f"loss {name!r} is not finite at step {step}")


def fit(
    method: Method,
    batches: Iterable[Batch],
    optimizer: Optimizer,
    steps: int,
    every: int,
    *,
    schedule: Schedule = "constant",
    precision: Precision = "fp32",
) -> Iterator[tuple[int, Losses]]:
    """Train for `steps`, pausing after each `every` so that the caller can look.

    Raises DivergedError at a look where a loss has not been finite since the one before.
    """
    usual = [group["lr"] for group in optimizer.param_groups]
    watch = None
    for step, batch in zip(range(1, steps + 1), batches, strict=False):
        progress = (step - 1) / steps
        for group, lr in zip(optimizer.param_groups, usual, strict=True):
            group["lr"] = lr * SCHEDULES[schedule](progress)
        losses = train_step(method, optimizer, batch, progress, precision)
        watch = watch or _Watch(batch.source.x.device)
        watch.see(losses, step)
        if step % every == 0 or step == steps:
            watch.check()
            yield step, losses
