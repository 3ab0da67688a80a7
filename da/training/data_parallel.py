"""Divide the passes of a backbone among processes, so that N of them train as one does.

All processes have the same batch, weights and random numbers. Each passes its share of the images
through the backbone and gets the features of all. What follows, the losses of a method among it, is
computed by every process on the whole batch. So a method need not know that there are several.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from da.ops.random import default_generator


def is_divided() -> bool:
    """Return whether there are several processes."""
    return dist.is_initialized() and dist.get_world_size() > 1


class _State:
    """What the passes of this process do now."""

    active = False
    """Whether passes are divided: all processes make the same ones now."""
    inner = False
    """Whether gradients are those that a method computes for itself, inside its losses."""


@contextmanager
def divided_passes() -> Iterator[None]:
    """Divide passes in a `with` block, in which all processes make the same ones."""
    _State.active = is_divided()
    try:
        yield
    finally:
        _State.active = False


@contextmanager
def inner_gradients() -> Iterator[None]:
    """Average gradients in a `with` block as soon as they are known, and not after the step."""
    _State.inner = _State.active
    try:
        yield
    finally:
        _State.inner = False


def divide_backbone(backbone: nn.Module) -> None:
    """Let each process pass its share of the images through `backbone`, where there are several."""
    if is_divided():
        calls: list[_Call] = []
        backbone.register_forward_pre_hook(lambda _, args: _begin(calls, args))
        backbone.register_forward_hook(lambda net, _, f: _end(calls, net, f), always_call=True)


def watch_gradients(method: nn.Module) -> None:
    """Average gradients that a method computes for itself, where there are several processes.

    Gradients of a step are averaged after it, all together, which is faster.
    """
    if not is_divided():
        return
    for p in method.parameters():
        moves = p.requires_grad
        p.requires_grad_(True).register_hook(_average_inner)
        p.requires_grad_(moves)


def _average_inner(gradient: Tensor) -> Tensor | None:
    return _sum(gradient) / dist.get_world_size() if _State.inner else None


class _Call:
    """A divided pass through a backbone."""

    def __init__(self, images: int):
        places = torch.arange(images).tensor_split(dist.get_world_size())
        self.sizes = [len(some) for some in places]
        start = sum(self.sizes[: dist.get_rank()])
        self.own = slice(start, start + self.sizes[dist.get_rank()])
        self.norms = _SharedStatistics()


def _begin(calls: list[_Call], args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Take this process's share of the input."""
    if not _State.active:
        return None
    x, *others = args
    call = _Call(len(x))
    calls.append(call)
    call.norms.__enter__()
    return x[call.own], *others


def _end(calls: list[_Call], backbone: nn.Module, f: Tensor | None) -> Tensor | None:
    """Return the features of all processes; there are none after an error."""
    if not calls:
        return None
    call = calls.pop()
    call.norms.__exit__(None, None, None)
    if f is None:
        return None
    if len({*call.sizes}) > 1 and any(part.training for part in backbone.modules()):
        _align_random(f.device)
    return _Gather.apply(f, call)


def _align_random(device: torch.device) -> None:
    """Let all processes draw what the first one draws next: dropout drew more for more images."""
    for generator in dict.fromkeys((torch.default_generator, default_generator(device))):
        state = generator.get_state().to(device)
        dist.broadcast(state, 0)
        generator.set_state(state.cpu())


class _Gather(Function):
    """Rows of all processes, in order.

    Every process computes the same gradient of them, so it needs to receive none. Its own rows
    count for all processes, since gradients of weights are averaged over them.
    """

    @staticmethod
    def forward(ctx: Any, f: Shaped[Tensor, "b ..."], call: _Call) -> Shaped[Tensor, "n ..."]:
        ctx.own = call.own
        padded = f.new_zeros(max(call.sizes), *f.shape[1:])
        padded[: len(f)] = f
        parts = [torch.empty_like(padded) for _ in call.sizes]
        dist.all_gather(parts, padded)
        return torch.cat([part[:n] for part, n in zip(parts, call.sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0][ctx.own] * dist.get_world_size(), None


class _Sum(Function):
    """Sum over processes, of numbers and of their gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return _sum(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return _sum(grads[0])


def _sum(x: Tensor) -> Tensor:
    total = x.detach().clone()
    dist.all_reduce(total)
    return total


class _SharedStatistics(TorchFunctionMode):
    """Let batch norm use the statistics of the images of all processes."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        use = batch_norm if func is F.batch_norm else func
        return use(*args, **(kwargs or {}))


def batch_norm(
    x: Float[Tensor, "b c ..."],
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Float[Tensor, "b c ..."]:
    """Do what PyTorch's function does, with mean and variance over the images of all processes."""
    if not training:
        return F.batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    dims, each = [0, *range(2, x.ndim)], (-1, *[1] * (x.ndim - 2))
    real = x.float()
    count = _sum(x.new_tensor(x.numel() / x.shape[1], dtype=torch.float32))
    mean = _Sum.apply(real.sum(dims)) / count
    centered = real - mean.reshape(each)
    var = _Sum.apply(centered.square().sum(dims)) / count
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(mean.to(running_mean), momentum)
            unbiased = var * count / (count - 1).clamp_min(1)
            running_var.lerp_(unbiased.to(running_var), momentum)
    out = centered * (var + eps).rsqrt().reshape(each)
    out = out if weight is None else out * weight.reshape(each)
    return (out if bias is None else out + bias.reshape(each)).to(x.dtype)
