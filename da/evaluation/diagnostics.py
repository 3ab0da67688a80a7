"""Diagnostics of a method on one batch at an evaluation; they change nothing in the training."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.config.choices import Precision
from da.data.batch import Batch, TargetBatch
from da.evaluation.predictions import Predictions
from da.methods import Losses, Method, Phase
from da.methods._column_heads import list_phases
from da.ops.random import default_generator

CPU = torch.device("cpu")


def diagnose(
    method: Method,
    batch: Batch | TargetBatch,
    progress: float,
    precision: Precision = "fp32",
) -> dict[str, float]:
    """Measure discriminator and gradients of `method` on one batch, in evaluation mode.

    The task's losses are those named `task` or `task_...`; all others are adaptation losses.

    Args:
        method: Method that is diagnosed.
        batch: Images and labels, as in a training step.
        progress: Share of the training that is done, 0 to 1.
        precision: Number format in which losses are computed.

    Returns:
        Of these values, those that the method has:

        - `discriminator_accuracy`: share of images whose domain the discriminator predicts
          correctly, 0 to 1; 0.5 where it cannot tell the domains apart.
        - `discriminator_spread`: standard deviation of the discriminator's probabilities.
        - `lambda`: strength of the reversed gradient.
        - `penalty`: strength of the penalty of a classifier that was fitted without steps.
        - `adaptation_gradient`: norm of the gradient of the adaptation losses with respect to the
          neck's output, over the phases that train neck or backbone.
        - `gradient_ratio`: `adaptation_gradient` divided by the same norm for the task's losses.
    """
    device = batch.target.x.device
    discriminator = getattr(method, "discriminator", None)
    gradients = _Gradients()
    found: dict[str, float] = {}
    with method.evaluation_mode(), preserve_random_state(device):
        for phase in list_phases(method):
            moves_features = _moves_features(method, phase)
            if not moves_features and discriminator is None:
                continue
            with (
                record_outputs(method.neck) as f,
                record_outputs(discriminator) as logits,
                torch.autocast(device.type, torch.bfloat16, precision == "bf16"),
            ):
                losses = phase.losses(batch, progress)
            if moves_features:
                gradients.add(losses, [x for x in f if x.requires_grad])
            found |= _score_discriminator(logits, batch)
    if callable(strength := getattr(method, "strength", None)):
        found["lambda"] = float(strength(progress))
    if penalty := getattr(method, "penalty", 0.0):
        found["penalty"] = penalty
    return found | gradients.norms()


def count_predictions(seen: Predictions, classes: tuple[str, ...]) -> dict[str, int]:
    """Count the target test images that are predicted as each class."""
    counts = seen.target_logits.argmax(1).bincount(minlength=len(classes)).tolist()
    return dict(zip(classes, counts, strict=True))


@contextmanager
def preserve_random_state(device: torch.device) -> Iterator[None]:
    """Draw the same random numbers in every such context, then restore the generators.

    The generators are PyTorch's own on the CPU and on `device`. After the context, they continue
    as if nothing had been drawn.
    """
    generators = [default_generator(place) for place in dict.fromkeys((CPU, device))]
    before = [generator.get_state() for generator in generators]
    for generator in generators:
        generator.manual_seed(0)
    try:
        yield
    finally:
        for generator, state in zip(generators, before, strict=True):
            generator.set_state(state)


@contextmanager
def record_outputs(module: nn.Module | None) -> Iterator[list[Tensor]]:
    """Collect the output of every call of `module` within the context.

    The list stays empty where `module` is None.
    """
    found: list[Tensor] = []
    if module is None:
        yield found
        return
    hook = module.register_forward_hook(lambda _, inputs, output: found.append(output))
    try:
        yield found
    finally:
        hook.remove()


def _score_discriminator(logits: list[Tensor], batch: Batch | TargetBatch) -> dict[str, float]:
    """Measure how well the discriminator tells source rows from the target rows below them.

    The result is empty in a phase that does not compute one domain logit for each image.
    """
    if not logits or isinstance(batch, TargetBatch):
        return {}
    n, m = len(batch.source.x), len(batch.target.x)
    p = torch.cat([x.detach().flatten() for x in logits]).double().sigmoid()
    if len(p) != n + m:
        return {}
    right = (p > 0.5) == (torch.arange(n + m, device=p.device) < n)
    return {
        "discriminator_accuracy": right.double().mean().item(),
        "discriminator_spread": p.std(correction=0).item(),
    }


def _moves_features(method: Method, phase: Phase) -> bool:
    movable = {id(p) for part in (method.backbone, method.neck) for p in part.parameters()}
    return any(id(p) in movable for p in phase.updates)


class _Gradients:
    """Squared norms of the gradients with respect to the neck's output, one for each phase."""

    def __init__(self) -> None:
        self.task: list[float] = []
        self.adaptation: list[float] = []

    def add(self, losses: Losses, f: list[Tensor]) -> None:
        """Add the norms of a phase; `f` are the neck's outputs that gradients can reach."""
        task = [loss for name, loss in losses.items() if name.partition("_")[0] == "task"]
        rest = [loss for name, loss in losses.items() if name.partition("_")[0] != "task"]
        if f and task:
            self.task.append(_squared_norm(task, f))
        if f and rest:
            self.adaptation.append(_squared_norm(rest, f))

    def norms(self) -> dict[str, float]:
        """Return the norms over all phases; empty for a method without adaptation losses."""
        if not self.adaptation:
            return {}
        task, adaptation = sum(self.task) ** 0.5, sum(self.adaptation) ** 0.5
        ratio = {"gradient_ratio": adaptation / task} if task else {}
        return {"adaptation_gradient": adaptation} | ratio


def _squared_norm(losses: list[Float[Tensor, ""]], f: list[Tensor]) -> float:
    """Return the squared norm of the gradient of the summed losses with respect to all of `f`."""
    live = [loss for loss in losses if loss.requires_grad]
    if not live:
        return 0.0
    grads = torch.autograd.grad(live, f, retain_graph=True, materialize_grads=True)
    # In float32 the square of a small number is 0, and 0 here means that no gradient arrives.
    return torch.stack([grad.double().square().sum() for grad in grads]).sum().item()
