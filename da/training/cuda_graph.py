"""Record a training step once as a CUDA graph, and replay it in every step."""

import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from da.config.choices import Precision
from da.data.batch import Batch, tensors
from da.methods import Losses, Method
from da.ops.random import default_generator
from da.training.engine import Step, train_step
from da.training.vmap import Group

WARM_UP = 3
"""Steps before the recording, in which libraries choose algorithms and optimizers set up state."""


class Captured:
    """The training step of a method, or of a group, as one CUDA graph.

    A call does what `train_step` does, and never waits for the GPU. Learning rates become tensors
    on the GPU: to change one, fill its tensor. The method's Python code runs only once, while it is
    recorded.

    Args:
        method: Method, or group of methods, to train.
        optimizer: A fused optimizer of its parameters.
        batch: Example of a batch; all batches must have its shapes.
        precision: Number format of the forward pass.

    Raises:
        ValueError: On a CPU, for an optimizer that is not fused, and for a method that asks the
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
        self.moved = method, optimizer  # kept alive: the graph uses their memory without owning it
        take = partial(train_step, method, optimizer, self.batch, self.progress, precision)
        kept = restore_after(method, optimizer, [default_generator(device), *generators])
        try:
            self.graph, self.losses = record_graph(take, kept, device, generators)
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"{one.name} cannot be a CUDA graph: {reason}") from error

    def __call__(self, batch: Batch, progress: float) -> Losses:
        """Take one step and return the losses before it, as `train_step` does.

        Args:
            batch: Batch with the shapes of the recorded one.
            progress: Share of the training that is done, from 0 to 1.
        """
        fill_batch(self.batch, batch)
        self.progress.fill_(progress)
        self.graph.replay()
        return {name: loss.clone() for name, loss in self.losses.items()}


def captured_step(
    method: Method | Group, optimizer: Optimizer, precision: Precision = "fp32"
) -> Step:
    """Return a training step that is recorded at its first call.

    Args:
        method: Method, or group of methods, to train.
        optimizer: A fused optimizer of its parameters.
        precision: Number format of the forward pass.

    Returns:
        A function that takes a step; all batches must have the shapes of the first.
    """
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
    """Record `take` as a CUDA graph; return it and the tensors that hold losses after a replay.

    Args:
        take: Function that takes a training step.
        kept: Context that undoes the trial steps before the recording.
        device: GPU that records the graph.
        generators: Generators that `take` draws from, other than PyTorch's own.

    Raises:
        ValueError: Where `device` is not a GPU.
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
    for generator in generators:  # PyTorch registers its own generator itself
        graph.register_generator_state(generator)
    # Another thread may prepare batches during the recording.
    with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
        losses = take()
    return graph, losses


@contextmanager
def _waiting_is_an_error() -> Iterator[None]:
    """Raise an error where the code inside waits for the GPU, which a recording cannot do.

    This is checked before the recording: one that fails leaves PyTorch's generator unusable.
    """
    usual = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns that this mode may miss some waits
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(usual)


def make_capturable(optimizer: Optimizer, device: torch.device) -> None:
    """Move every learning rate of the optimizer to `device`, as a tensor.

    Raises:
        ValueError: For an optimizer that is not fused; only fused ones read the rate on the GPU.
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
    """Restore weights, buffers, optimizer state and generators at the end of the context.

    State that the optimizer did not have before becomes 0. SGD without dampening and Adam start
    with such state.

    Args:
        method: Module whose weights and buffers are restored.
        optimizer: Optimizer whose state is restored.
        generators: Random generators whose states are restored.
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
    """Copy all tensors of `new` into those of `batch`.

    Raises:
        ValueError: Where their shapes or types differ.
    """
    into, values = tensors(batch), tensors(new)
    shapes = [[(tuple(x.shape), x.dtype) for x in each] for each in (into, values)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"the graph is of batches {shapes[0]}, not {shapes[1]}")
    for tensor, value in zip(into, values, strict=True):
        tensor.copy_(value, non_blocking=True)
