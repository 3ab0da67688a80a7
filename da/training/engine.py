"""The training loop: knows phases and steps, and nothing of any method, data set or metric."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import Optimizer

from da.data.batch import Batch, TargetBatch
from da.methods.base import Losses, Trainable
from da.ops.functional import Scalar
from da.ops.precision import Precision

Step = Callable[[Any, float], Losses]
"""Move a method by one step, on a batch and with a progress; losses before it, as `train_step`."""

Rate = Callable[[int], float]
"""Factor of every learning rate at a step, counted from 1."""


class DivergedError(ArithmeticError):
    """A loss is not finite, or what a run predicts is not."""


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
    method: Trainable,
    optimizer: Optimizer,
    batch: Batch | TargetBatch,
    progress: Scalar,
    precision: Precision = "fp32",
) -> Losses:
    """Move `method` by one step and give the losses, detached, before that step."""
    logged: Losses = {}
    for phase in method.phases():
        with torch.autocast(batch.target.x.device.type, torch.bfloat16, precision == "bf16"):
            losses = phase.losses(batch, progress)
        params = [p for p in phase.updates if p.requires_grad]
        _forget_gradients(optimizer)
        live = [loss for loss in losses.values() if loss.requires_grad]
        torch.autograd.backward([x.sum() if x.ndim else x for x in live], inputs=params)
        average_gradients(params)
        optimizer.step()
        logged |= {name: loss.detach() for name, loss in losses.items()}
    method.after_step()
    return logged


def _forget_gradients(optimizer: Optimizer) -> None:
    """As `zero_grad`, which takes several times as long to say so to a profiler."""
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = None


class _Log:
    """Losses of every step since the last look, on the device until that look fetches them."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, str, Tensor]] = []

    def add(self, step: int, losses: Losses) -> None:
        self.seen += [(step, name, loss) for name, loss in losses.items()]

    def fetch(self) -> tuple[Losses, dict[int, str]]:
        """The last step's losses, on the CPU, and which runs were not finite, by one transfer.

        The runs are those of vectors; a scalar is of run 0.
        """
        values = torch.stack([loss for _, _, loss in self.seen]).cpu()
        finite = values.isfinite().reshape(len(values), -1)
        diverged = {}
        for run in (~finite.all(0)).nonzero().flatten().tolist():
            diverged[run] = self._blamed(finite[:, run].tolist())
        last = self.seen[-1][0]
        pairs = zip(self.seen, values, strict=True)
        losses = {name: value for (step, name, _), value in pairs if step == last}
        self.seen.clear()
        return losses, diverged

    def _blamed(self, finite: list[bool]) -> str:
        """Which losses were not finite, at the first step with such; of all, what led to them."""
        step, _, _ = self.seen[finite.index(False)]
        pairs = zip(self.seen, finite, strict=True)
        of_step = [(repr(name), well) for (at, name, _), well in pairs if at == step]
        bad = [name for name, well in of_step if not well]
        if step > 1 and len(bad) == len(of_step):
            cause = f"likely a gradient of step {step - 1}, or a weight after it, was not"
            return f"no loss is finite at step {step} ({', '.join(bad)}): {cause}"
        which = f"loss {bad[0]} is" if len(bad) == 1 else f"losses {', '.join(bad)} are"
        return f"{which} not finite at step {step}"


def fit(
    method: Trainable,
    batches: Iterable[Batch | TargetBatch],
    optimizer: Optimizer,
    steps: int,
    every: int,
    *,
    rate: Rate | None = None,
    before: Callable[[int], None] = lambda step: None,
    precision: Precision = "fp32",
    take: Step | None = None,
    failed: dict[int, str] | None = None,
) -> Iterator[tuple[int, Losses]]:
    """Train for `steps`, pausing after each `every` so that the caller can look.

    Gives the step and its losses, on the CPU; between looks nothing waits for the device. `before`
    is called ahead of each step, from 1 on, for example to let more parameters move; `take` takes a
    step in place of `train_step`. Raises
    DivergedError at a look where a loss has not been finite since the one before. Where losses are
    vectors, an element a run, and `failed` is given, the runs that diverged are written there, by
    index with loss and step, and the others go on.
    """
    log, take = _Log(), take or partial(train_step, method, optimizer, precision=precision)
    for step, batch in zip(range(1, steps + 1), batches, strict=False):
        before(step)
        if rate:
            _set_rates(optimizer, rate(step))
        log.add(step, take(batch, (step - 1) / steps))
        if step % every == 0 or step == steps:
            losses, diverged = log.fetch()
            if diverged and failed is None:
                raise DivergedError(next(iter(diverged.values())))
            if failed is not None:
                failed |= diverged | failed
            yield step, losses


def _set_rates(optimizer: Optimizer, factor: float) -> None:
    """Scale each group's learning rate; one that is a tensor is filled, as a CUDA graph needs."""
    for group in optimizer.param_groups:
        usual = group.setdefault("usual_lr", float(group["lr"]))
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(usual * factor)
        else:
            group["lr"] = usual * factor
