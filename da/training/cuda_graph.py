"""A training step as one CUDA graph: recorded once, then replayed as a whole."""

import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from da.data.batch import Batch, tensors
from da.methods import Losses, Method
from da.ops.precision import Precision
from da.ops.random import default_generator
from da.training.engine import Step, train_step
from da.training.vmap import Group

WARM_UP = 3
"""Steps before the recording, in which libraries choose algorithms and optimizers begin."""


class Captured:
    """The training step of a method, or of a group, as one CUDA graph.

    It is called with a batch of the shapes of `batch` and the progress, does what `train_step`
    does, and never waits for the GPU. Learning rates become tensors there, which whoever changes
    them has to fill. What the method does in Python is done once, while it is recorded.

    Raises ValueError on a CPU, for an optimizer that is not fused, and for a method that asks the
    GPU for a number. Weights, optimizer state and random generators are then as before.
    """

    def __init__(
        self,
        method: Method | Group,
        optimizer: Optimizer,
        batch: Batch,
        precision: Precision = "fp32",
    ):
        device = batch.source.x.device
        one, generators = (
            (method.together, method.generators) if isinstance(method, Group) else (method, ())
        )
        make_capturable(optimizer, device)
        self.batch, self.progress = copy.deepcopy(batch), torch.zeros((), device=device)
        self.moved = method, optimizer  # the graph knows where their memory is, and does not own it
        take = partial(train_step, method, optimizer, self.batch, self.progress, precision)
        kept = restore_after(method, optimizer, [default_generator(device), *generators])
        try:
            self.graph, self.losses = record_graph(take, kept, device, generators)
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"{one.name} cannot be a CUDA graph: {reason}") from error

    def __call__(self, batch: Batch, progress: float) -> Losses:
        """Take one step and give the losses before it, as `train_step` does."""
        fill_batch(self.batch, batch)
        self.progress.fill_(progress)
        self.graph.replay()
        return {name: loss.clone() for name, loss in self.losses.items()}


def captured_step(
    method: Method | Group, optimizer: Optimizer, precision: Precision = "fp32"
) -> Step:
    """Return a training step that the first batch records; all batches have its shapes."""
    recorded: list[Captured] = []

    def take(batch: Batch, progress: float) -> Losses:
        if not recorded:
            recorded.append(Captured(method, optimizer, batch, precision))
        return recorded[0](batch, progress)

    return take


def record_graph(
    take: Callable[[], Losses],
    kept: AbstractContextManager[None],
    device: torch.device,
    generators: Sequence[torch.Generator],
) -> tuple[torch.cuda.CUDAGraph, Losses]:
    """A graph of what `take` does, and where each replay leaves its losses.

    `take` is tried out first, within `kept`, which undoes that.
    """
    if device.type != "cuda":
        raise ValueError(f"a CUDA graph needs a GPU, not {device.type}")
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side), kept:
        for _ in range(WARM_UP):
            take()
        with _waiting_is_an_error():
            take()
    graph = torch.cuda.CUDAGraph()
    for generator in generators:  # PyTorch's own is registered by itself
        graph.register_generator_state(generator)
    # In another thread, batches may be prepared meanwhile.
    with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
        losses = take()
    return graph, losses


@contextmanager
def _waiting_is_an_error() -> Iterator[None]:
    """Found out before the recording: one that breaks off leaves PyTorch's generator unusable."""
    usual = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it may overlook something
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(usual)


def make_capturable(optimizer: Optimizer, device: torch.device) -> None:
    """Have every learning rate on `device`; raises ValueError for an optimizer that is not fused.

    Only the fused ones read it there.
    """
    for group in optimizer.param_groups:
        if not group.get("fused"):
            name = type(optimizer).__name__
            raise ValueError(f"{name} cannot be in a CUDA graph as it is, only with fused=True")
        group["lr"] = torch.tensor(float(group["lr"]), device=device)
        if "capturable" in group:
            group["capturable"] = True


@contextmanager
def restore_after(
    method: nn.Module, optimizer: Optimizer, generators: Sequence[torch.Generator]
) -> Iterator[None]:
    """Afterwards all weights, buffers, optimizer state and generators are as they were.

    State that the optimizer did not have yet becomes 0, which is how SGD without dampening and
    Adam begin.
    """

    def moving() -> Iterator[Tensor]:
        yield from method.parameters()
        yield from method.buffers()
        for state in optimizer.state.values():
            yield from (value for value in state.values() if isinstance(value, Tensor))

    before = {tensor: tensor.detach().clone() for tensor in moving()}
    drawn = [generator.get_state() for generator in generators]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor in moving():
                tensor.copy_(before[tensor]) if tensor in before else tensor.zero_()
        for generator, state in zip(generators, drawn, strict=True):
            generator.set_state(state)


def fill_batch(batch: Batch, new: Batch) -> None:
    """Copy all tensors of `new` into those of `batch`; ValueError where shapes or types differ."""
    into, values = tensors(batch), tensors(new)
    shapes = [[(tuple(x.shape), x.dtype) for x in each] for each in (into, values)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"the graph is of batches {shapes[0]}, not {shapes[1]}")
    for tensor, value in zip(into, values, strict=True):
        tensor.copy_(value, non_blocking=True)
