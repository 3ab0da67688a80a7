"""What goes on inside a method at a look, seen on one batch; nothing of the training changes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.data.batch import Batch, TargetBatch
from da.evaluation.predictions import Predictions
from da.methods import Losses, Method, Phase
from da.ops.precision import Precision
from da.ops.random import default_generator

CPU = torch.device("cpu")


def diagnose(
    method: Method,
    batch: Batch | TargetBatch,
    progress: float,
    precision: Precision = "fp32",
) -> dict[str, float]:
    """What `method`, in evaluation mode, does to `batch`; of these what it has:

    - `discriminator_accuracy`: share of the batch whose domain the discriminator tells, 0 to 1;
      0.5 where it is confused.
    - `discriminator_spread`: standard deviation of the probabilities that it gives.
    - `lambda`: strength of the reversed gradient.
    - `adaptation_gradient`: norm of the gradient of all losses but the task's with respect to the
      neck's output, over the phases that move neck or backbone.
    - `gradient_ratio`: that norm over the norm of the task's.

    The task's are the losses `task` and `task_...`.
    """
    device = batch.target.x.device
    discriminator = getattr(method, "discriminator", None)
    gradients = _Gradients()
    found: dict[str, float] = {}
    with method.evaluating(), preserve_random_state(device):
        for phase in method.phases():
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
            found |= _told(logits, batch)
    if callable(strength := getattr(method, "strength", None)):
        found["lambda"] = float(strength(progress))
    return found | gradients.norms()


def count_predictions(seen: Predictions, classes: tuple[str, ...]) -> dict[str, int]:
    """How many target test images are taken for each class."""
    counts = seen.target_logits.argmax(1).bincount(minlength=len(classes)).tolist()
    return dict(zip(classes, counts, strict=True))


@contextmanager
def preserve_random_state(device: torch.device) -> Iterator[None]:
    """Within it the same random numbers are drawn each time; afterwards as if none had been."""
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
    """What `module` gives, call by call, within it; nothing where there is none."""
    found: list[Tensor] = []
    if module is None:
        yield found
        return
    hook = module.register_forward_hook(lambda _, inputs, output: found.append(output))
    try:
        yield found
    finally:
        hook.remove()


def _told(logits: list[Tensor], batch: Batch | TargetBatch) -> dict[str, float]:
    """How well the discriminator tells source rows from the target rows beneath them.

    Nothing in a phase that does not ask it for one logit of each image.
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
    """Squared norms of gradients with respect to the neck's output, phase by phase."""

    def __init__(self) -> None:
        self.task: list[float] = []
        self.adaptation: list[float] = []

    def add(self, losses: Losses, f: list[Tensor]) -> None:
        """Those of a phase; nothing where none flows to any of `f`, the neck's outputs."""
        task = [loss for name, loss in losses.items() if name.partition("_")[0] == "task"]
        rest = [loss for name, loss in losses.items() if name.partition("_")[0] != "task"]
        if f and task:
            self.task.append(_squared_norm(task, f))
        if f and rest:
            self.adaptation.append(_squared_norm(rest, f))

    def norms(self) -> dict[str, float]:
        """Of all phases together; nothing for a method that adapts by no loss."""
        if not self.adaptation:
            return {}
        task, adaptation = sum(self.task) ** 0.5, sum(self.adaptation) ** 0.5
        ratio = {"gradient_ratio": adaptation / task} if task else {}
        return {"adaptation_gradient": adaptation} | ratio


def _squared_norm(losses: list[Float[Tensor, ""]], f: list[Tensor]) -> float:
    """Of the gradient of the sum of `losses` with respect to all of `f` together."""
    live = [loss for loss in losses if loss.requires_grad]
    if not live:
        return 0.0
    grads = torch.autograd.grad(live, f, retain_graph=True, materialize_grads=True)
    # In float32 the square of a small number is 0, and 0 here means that nothing arrives.
    return torch.stack([grad.double().square().sum() for grad in grads]).sum().item()
