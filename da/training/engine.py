"""Run the training loop: phases and steps, independent of method, data set and metric."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import Optimizer

from da.config.choices import Precision
from da.data.batch import Batch, TargetBatch
from da.methods._column_heads import list_phases
from da.methods.base import Losses, Trainable
from da.ops.functional import Scalar
from da.training.data_parallel import inner_gradients

Step = Callable[[Any, float], Losses]
"""Function that takes one step from a batch and the progress, and returns the losses before it."""

Rate = Callable[[int], float]
"""Function from a step, counted from 1, to the factor of every learning rate."""


class DivergedError(ArithmeticError):
    """A loss or a prediction of a run is not finite."""


def average_gradients(params: list[nn.Parameter]) -> None:
    """Replace each gradient by its mean over processes; do nothing in a single process."""
    if not dist.is_initialized():
        return
    grads = [p.grad for p in params if p.grad is not None]
    if not grads:  # the same in all processes
        return
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
    """Take one training step and return the losses before it, detached.

    Args:
        method: Method, or group of methods, to train.
        optimizer: Optimizer of its parameters.
        batch: Images of source and target, or of the target alone.
        progress: Share of the training that is done, from 0 to 1.
        precision: Number format of the forward pass.

    Raises:
        ValueError: The losses are no tensors by name.
    """
    logged: Losses = {}
    for phase in list_phases(method):
        autocast = torch.autocast(batch.target.x.device.type, torch.bfloat16, precision == "bf16")
        with autocast, inner_gradients():
            losses = _checked(method, phase.losses(batch, progress))
        params = [p for p in phase.updates if p.requires_grad]
        _forget_gradients(optimizer)
        live = [loss for loss in losses.values() if loss.requires_grad]
        if live:
            torch.autograd.backward([x.sum() if x.ndim else x for x in live], inputs=params)
        average_gradients(params)
        optimizer.step()
        logged |= {name: loss.detach() for name, loss in losses.items()}
    method.after_step()
    return logged


def _checked(method: object, losses: Any) -> Losses:
    """Return the losses of a method, which are tensors by name.

    Raises:
        ValueError: They are anything else.
    """
    wrong = [losses]
    if isinstance(losses, dict):
        wrong = [loss for loss in losses.values() if not isinstance(loss, Tensor)]
    if wrong:
        kind = type(wrong[0]).__name__
        raise ValueError(f"{type(method).__name__} returns {kind}, known: losses, tensors by name")
    return losses


def _forget_gradients(optimizer: Optimizer) -> None:
    """Drop all gradients; `zero_grad` takes several times as long, to report to a profiler."""
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = None


class Log:
    """Losses of every step since the last evaluation, left on the device until `fetch`."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, str, Tensor]] = []

    def add(self, step: int, losses: Losses) -> None:
        """Add the losses of a step."""
        self.seen += [(step, name, loss) for name, loss in losses.items()]

    def pack(self) -> dict[str, Any]:
        """Return all losses as a few values, for a checkpoint."""
        if not self.seen:
            return {}
        steps, names, losses = zip(*self.seen, strict=True)
        return {"steps": [*steps], "names": [*names], "values": torch.stack(losses)}

    def unpack(self, packed: dict[str, Any]) -> None:
        """Take the losses of a checkpoint."""
        parts = [packed[name] for name in ("steps", "names", "values")] if packed else [[]]
        self.seen = [*zip(*parts, strict=True)]

    def fetch(self) -> tuple[Losses, dict[int, str]]:
        """Return the last step's losses on the CPU, and a message for each run that diverged.

        All losses come in one transfer. A loss that is a vector has one element for each run; a
        scalar loss belongs to run 0.
        """
        values = torch.stack([loss for _, _, loss in self.seen]).cpu()
        finite = values.isfinite().reshape(len(values), -1)
        diverged = {}
        for run in (~finite.all(0)).nonzero().flatten().tolist():
            diverged[run] = self._describe_divergence(finite[:, run].tolist())
        last = self.seen[-1][0]
        pairs = zip(self.seen, values, strict=True)
        losses = {name: value for (step, name, _), value in pairs if step == last}
        self.seen.clear()
        return losses, diverged

    def _describe_divergence(self, finite: list[bool]) -> str:
        """Name the losses that were not finite at the first such step, or the cause if all were."""
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
    done: int = 0,
    log: Log | None = None,
    after: Callable[[int], None] | None = None,
) -> Iterator[tuple[int, Losses]]:
    """Train for `steps` steps, and pause after every `every` steps for the caller to evaluate.

    Yields a step and its losses, on the CPU. Between two pauses nothing waits for the device.

    Args:
        method: Method, or group of methods, to train.
        batches: At least one batch for each step that is left.
        optimizer: Optimizer of the method's parameters.
        steps: Number of training steps in all.
        every: Steps between pauses; the last step is always followed by one.
        rate: Factor of every learning rate at a step, counted from 1; constant if None.
        before: Function called before each step with its number, counted from 1, for example to
            let more parameters train.
        precision: Number format of the forward pass.
        take: Function that takes a step, in place of `train_step`.
        failed: Dictionary for runs that train together, whose losses are vectors with one element
            for each run. It receives a message, by index, for each run that diverges, and the
            others continue.
        done: Number of steps that were done before, after which this goes on.
        log: Log of losses, which holds those since the last pause where steps were done before.
        after: Function called after each step, and after the pause if there is one.

    Raises:
        DivergedError: At a pause, where a loss since the last pause is not finite and `failed` is
            None.
    """
    log = Log() if log is None else log
    take = take or partial(train_step, method, optimizer, precision=precision)
    for step, batch in zip(range(done + 1, steps + 1), batches, strict=False):
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
        if after:
            after(step)


def _set_rates(optimizer: Optimizer, factor: float) -> None:
    """Scale each group's learning rate; fill one that is a tensor, as a CUDA graph needs."""
    for group in optimizer.param_groups:
        usual = group.setdefault("usual_lr", float(group["lr"]))
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(usual * factor)
        else:
            group["lr"] = usual * factor
