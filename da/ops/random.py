"""Random numbers inside a network: a run draws the same ones alone and together with others.

Code that trains many runs under vmap assigns a generator to each run with `use_generators`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd import Function

from da.ops.functional import under_transforms

_STREAMS: ContextVar[Sequence[torch.Generator]] = ContextVar("streams")


def default_generator(device: torch.device) -> torch.Generator:
    """Return PyTorch's own generator on `device`, from which layers draw."""
    if device.type == "cpu":
        return torch.default_generator
    return torch.cuda.default_generators[device.index or 0]


@contextmanager
def use_generators(generators: Sequence[torch.Generator]) -> Iterator[None]:
    """Let run i under vmap draw from `generators[i]` within the context."""
    token = _STREAMS.set(generators)
    try:
        yield
    finally:
        _STREAMS.reset(token)


class Dropout(nn.Module):
    """PyTorch's dropout, with exactly the same random numbers."""

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Set a random share of `x` to 0 in training, and scale the rest up."""
        if not self.training:
            return x
        draw = _Bernoulli.apply if under_transforms() else _Bernoulli.forward
        return x * draw(x.detach(), 1 - self.share).div_(1 - self.share)


class _Bernoulli(Function):
    """Ones with probability `p`, else zeros, in the shape of `x`."""

    @staticmethod
    def forward(x: Tensor, p: float) -> Tensor:
        return _fill_bernoulli(torch.empty_like(x), p, None)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.mark_non_differentiable(output)

    @staticmethod
    def vmap(info, in_dims, x, p):
        each = x.movedim(in_dims[0], 0)
        drawn = torch.empty_like(each)
        for one, generator in zip(drawn, _STREAMS.get(), strict=True):
            _fill_bernoulli(one, p, generator)
        return drawn, 0


def _fill_bernoulli(x: Tensor, p: float, generator: torch.Generator | None) -> Tensor:
    """Do `x.bernoulli_(p)`; on a CPU in half of the time, and the same on every processor."""
    if x.device.type == "cpu":
        return x.copy_(torch.empty_like(x, dtype=torch.float64).uniform_(generator=generator) < p)
    return x.bernoulli_(p, generator=generator)
