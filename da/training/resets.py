"""Return to the beginning of a training, as where a stream of test images resets."""

from collections.abc import Iterator
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from da.config.stream_options import StreamOptions
from da.config.task_name import TaskName
from da.data.domain import Task
from da.data.loaders import count_stream_batches
from da.data.streams import order_stream
from da.methods import Method

KEPT = ("online",)
"""Buffers that a reset leaves: what was predicted until then."""


class Beginning:
    """What a method and its optimizer are before the first step.

    Args:
        method: Method that has seen its images.
        optimizer: Optimizer of its parameters.
    """

    def __init__(self, method: Method, optimizer: Optimizer):
        self.method, self.optimizer = method, optimizer
        self.state = {name: tensor.detach().clone() for name, tensor in _tensors(method)}

    @torch.no_grad()
    def restore(self) -> None:
        """Give the method its parameters and buffers of then, and the optimizer no memory."""
        for name, now in [*_tensors(self.method)]:
            then, (path, _, own) = self.state[name], name.rpartition(".")
            if now.shape == then.shape:
                now.copy_(then)
            else:
                setattr(self.method.get_submodule(path), own, then.clone())
        self.optimizer.state.clear()
        self.method.reset()


def _tensors(method: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from method.named_parameters()
    yield from (pair for pair in method.named_buffers() if pair[0] not in KEPT)


def reset_steps(task: Task, batch: int, seed: int) -> set[int]:
    """Return the steps, counted from 1, before which a stream resets; none where it does not.

    Args:
        task: The task.
        batch: Images in a step.
        seed: Seed of the run.
    """
    options = TaskName.parse(task.name).stream
    if options is None or StreamOptions.parse(options).shifts != "reset":
        return set()
    counts = [count_stream_batches(len(part), batch) for part in order_stream(task, seed)]
    return {1 + done for done in accumulate(counts[:-1])}
