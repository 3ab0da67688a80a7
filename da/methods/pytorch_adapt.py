"""Training steps of the library PyTorch Adapt, as a method to compare with."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from torch import nn

from da.config.limits import AMOUNT, COUNT
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Phase, Scalar
from da.models.network import Network, mlp
from da.system.extras import extra

TERMS = "AFN BNM BSP ISTLoss JointAligner MCC TargetDiversity TargetEntropy"
TOGETHER = "AlignerPlusC CDANNE Classifier DANN DANNE DANNLogits DANNSoftmaxLogits GVB GVBE RTN"
IN_TURNS = "CDAN CDANE DomainConfusion GAN GANE GVBGAN"
MOVED: dict[str, dict[str, list[str]]] = {
    **{f"{name}Hook": {} for name in TERMS.split()},
    **{f"{name}Hook": {"opts": ["ours", "D", "residual_model"]} for name in TOGETHER.split()},
    **{f"{name}Hook": {"d_opts": ["D"], "g_opts": ["ours"]} for name in IN_TURNS.split()},
}
"""Arguments of each hook: the networks that its optimizers move.

Empty for a hook that is a loss term, which is added to the classifier's loss.
"""
GIVEN = "src_imgs_features", "target_imgs_features", "src_labels", "src_domain", "target_domain"


class PytorchAdapt(Method):
    """Train by a hook of the library pytorch-adapt 0.0.83, with our network and optimizer.

    Raises ValueError for hooks that are unknown, need an earlier stage of training, or need two
    heads.
    """

    paper = "Musgrave et al. 2022, arXiv:2211.15673"
    family = "peer"
    needs = "pytorch_adapt"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the hook; the rest is as in the library.

        The losses of a step are averaged, and no weight is warmed up.
        """

        hook: str = "DANNHook"
        """Name of the hook in `pytorch_adapt.hooks`."""
        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Weight of all losses except the source cross-entropy; 0 for no adaptation."""
        hidden: Annotated[tuple[int, ...], COUNT] = (1024, 1024)
        """Widths of the discriminator's hidden layers; empty for a linear discriminator."""

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        if hp.hook not in MOVED:
            raise ValueError(f"unknown hook {hp.hook!r}, known: {', '.join(sorted(MOVED))}")
        with warnings.catch_warnings(), extra("peers", "the method pytorch_adapt"):
            warnings.simplefilter("ignore")  # its torchmetrics imports pkg_resources
            from pytorch_adapt import hooks, layers
        hook = getattr(hooks, hp.hook)(**MOVED[hp.hook])
        hook = hook if MOVED[hp.hook] else hooks.ClassifierHook(["ours"], post=[hook])
        self.steps = [part for part in hook.hook.hooks if hasattr(part, "reducer")]
        calls = hooks.validate_hook(hook, ["src_imgs", "target_imgs", *GIVEN])
        self.parts = nn.ModuleDict(self._parts(calls, layers))
        if "GVB" in hp.hook:
            self.head, self.parts["D"] = map(layers.ModelWithBridge, (self.head, self.parts["D"]))

    def _parts(self, calls: dict[str, int], layers: Any) -> dict[str, nn.Module]:
        """Build the networks that the hook needs next to ours, under the library's names."""
        name, k, parts = self.hp.hook, self.classes, dict[str, nn.Module]()
        width = k if "Logits" in name or "GVB" in name else self.width
        if "feature_combiner" in calls:
            parts["feature_combiner"] = layers.RandomizedDotProduct([width, k], 1024)
            width = 1024
        if "residual_model" in calls:
            parts["residual_model"] = layers.PlusResidual(mlp(k, (), k))
        if name == "DomainConfusionHook":
            parts["D"] = mlp(width, self.hp.hidden, 2)
        elif "D" in calls:
            parts["D"] = mlp(width, self.hp.hidden, 1).append(nn.Flatten(0))
        return parts

    def phases(self) -> Iterator[Phase]:
        """Return one part for each optimizer of the hook."""
        ours = nn.ModuleList([self.backbone, self.neck, self.head])
        known: dict[str, Any] = {"C": self.head, "ours": ours, **self.parts}
        for step in self.steps:
            moved = [p for n in step.optimizers if n in known for p in known[n].parameters()]
            yield Phase(partial(self._losses, step, known), moved)

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of all phases."""
        return dict(loss for each in self.phases() for loss in each.losses(batch, progress).items())

    def _losses(self, step: Any, known: dict[str, Any], batch: Batch, progress: Scalar) -> Losses:
        """Compute the losses of one phase, and add its results to `known` for the next phase."""
        if GIVEN[0] not in known:
            f_s, f_t = self.features(batch)
            given = f_s, f_t, batch.source.y, f_s.new_ones(len(f_s)), f_t.new_zeros(len(f_t))
            known |= zip(GIVEN, given, strict=True)
        known |= (found := step.hook(known, {}))[0]
        losses = step.reducer(known, found[1])[1]
        count = len(losses)
        losses = {
            name.replace("src_c_loss", "task"): x.mean() / count for name, x in losses.items()
        }
        return {name: x if name == "task" else self.hp.trade_off * x for name, x in losses.items()}
