"""Build what a peer trains, with our network, weights and optimizer, and pytorch-adapt's step."""

import copy
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from da.methods import Method
from da.models.backbone import Backbone

Step = Callable[[], object]


@dataclass(frozen=True)
class Data:
    """A batch of normalized images in memory, laid out as PyTorch's loaders give them."""

    x_s: Tensor
    y_s: Tensor
    x_t: Tensor


@dataclass(frozen=True)
class Parts:
    """A method's modules as plain PyTorch, with weights of their own; None for what it lacks."""

    features: nn.Module
    head: nn.Module
    discriminator: Any
    rival: Any
    combine: Any
    """Features and class probabilities to the input of CDAN's discriminator."""

    def optimizer(self, *modules: nn.Module | None) -> Optimizer:
        """SGD of the published scripts, as PyTorch has it by default."""
        return sgd([p for module in modules if module for p in module.parameters()])

    def all(self) -> tuple[nn.Module | None, ...]:
        """Every module that is trained."""
        return self.features, self.head, self.discriminator, self.rival


def sgd(parameters: list[nn.Parameter], *, fused: bool | None = None) -> Optimizer:
    """The optimizer that everybody has."""
    return SGD(parameters, 0.01, 0.9, weight_decay=1e-3, nesterov=True, fused=fused)


class _Outer(nn.Module):
    """Products of every feature and every probability."""

    def forward(self, f: Tensor, p: Tensor) -> Tensor:
        return torch.bmm(p.unsqueeze(2), f.unsqueeze(1)).flatten(1)


class _RandomOuter(nn.Module):
    """An approximation of it by random projections."""

    def __init__(self, r_f: Any, r_p: Any):
        super().__init__()
        self.r_f: Tensor = r_f.clone()
        self.r_p: Tensor = r_p.clone()

    def forward(self, f: Tensor, p: Tensor) -> Tensor:
        return (f @ self.r_f) * (p @ self.r_p) / math.sqrt(self.r_f.shape[1])


def plain(method: Method, *, pool_first: bool = False) -> Parts:
    """A copy of `method`'s modules in PyTorch's own layers and default layout.

    `pool_first` keeps our LeNet's ReLU after the pool; usual is before.
    """
    method = copy.deepcopy(method).to(memory_format=torch.contiguous_format)
    assert isinstance(method.backbone, Backbone)
    body = method.backbone.body
    if isinstance(body, nn.Sequential) and not pool_first:
        body = nn.Sequential(*_relu_before_pool(list(body)))
    combine = None
    if method.name == "cdan":
        combine = _RandomOuter(method.r_f, method.r_p) if method.randomized else _Outer()
    _own_layers(method)
    discriminator, rival = (getattr(method, name, None) for name in ("discriminator", "rival"))
    return Parts(nn.Sequential(body, method.neck), method.head, discriminator, rival, combine)


def _own_layers(method: Method) -> None:
    """PyTorch's Linear for ours; the parameters stay."""
    for linear in method.modules():
        if isinstance(linear, nn.Linear):
            linear.__class__ = nn.Linear


def _relu_before_pool(layers: list[nn.Module]) -> Iterator[nn.Module]:
    for before, here, after in zip([None, *layers], layers, [*layers[1:], None], strict=False):
        if isinstance(here, nn.MaxPool2d) and isinstance(after, nn.ReLU):
            yield from (after, here)
        elif not (isinstance(here, nn.ReLU) and isinstance(before, nn.MaxPool2d)):
            yield here


def pytorch_adapt(parts: Parts, name: str, data: Data) -> Step | None:
    """A step of pytorch-adapt's hook of this method, called as the library's README does.

    None where the library is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its torchmetrics imports pkg_resources
            from pytorch_adapt import hooks, layers  # type: ignore[import-untyped]
    except ImportError:
        return None
    opt, models = parts.optimizer, {"G": parts.features, "C": parts.head}
    if parts.discriminator:
        models["D"] = nn.Sequential(parts.discriminator, nn.Flatten(0))
    if name == "source_only":
        hook = hooks.ClassifierHook([opt(*parts.all())])
    elif name == "dann":
        hook = hooks.DANNHook([opt(*parts.all())])
    elif name == "mcc":
        hook = hooks.ClassifierHook([opt(*parts.all())], post=[hooks.MCCHook()])
    elif name == "cdan":
        hook = hooks.CDANEHook(
            d_opts=[opt(parts.discriminator)], g_opts=[opt(parts.features, parts.head)]
        )
        models["feature_combiner"] = parts.combine
    else:
        heads = layers.MultipleModels(parts.head, parts.rival)
        hook = hooks.MCDHook(g_opts=[opt(parts.features)], c_opts=[opt(heads)])
        models["C"] = heads
    named = {
        "src_imgs": data.x_s,
        "src_labels": data.y_s,
        "src_domain": torch.zeros(len(data.x_s), device=data.x_s.device),
        "target_imgs": data.x_t,
        "target_domain": torch.ones(len(data.x_t), device=data.x_t.device),
    }
    return lambda: hook({**models, **named})
