"""What a trained method says about test images, and how often it is right."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from da.data.domain import Images, Task
from da.methods import Method


@dataclass(frozen=True)
class Predictions:
    """Outputs on test images. Carries source classes and no target classes, so that model
    selection, which is given this and nothing else, cannot peek.
    """

    source_logits: Float[Tensor, "n k"]
    source_y: Int[Tensor, "n"]
    target_logits: Float[Tensor, "m k"]


def predict(method: Method, task: Task, *, device: torch.device | None = None) -> Predictions:
    """Outputs of `method` in evaluation mode, on the CPU and in float32."""
    return Predictions(
        outputs(method, method.predict_source, task.source_test, device=device),
        task.source_test.y,
        outputs(method, method.predict, task.target_test, device=device),
    )


@torch.no_grad()
def outputs(
    method: Method,
    function: Callable[[Tensor], Tensor],
    images: Images,
    *,
    device: torch.device | None = None,
) -> Float[Tensor, "b _"]:
    """What `function`, a part of `method`, gives for `images` in evaluation mode, on the CPU."""
    with method.evaluating():
        parts = [
            function(images.shown(i, device or torch.device("cpu"))).float().cpu()
            for i in torch.arange(len(images)).split(256)
        ]
    return torch.cat(parts)


def online_accuracy(logits: Float[Tensor, "m k"], y: Int[Tensor, "m"]) -> float:
    """Percentage right of predictions made while images streamed by; NaN where none was made."""
    made = ~logits.isnan().any(1).cpu()
    return accuracy(logits.cpu()[made], y[made])


def accuracy(logits: Float[Tensor, "n k"], y: Int[Tensor, "n"]) -> float:
    """Percentage of rows whose largest logit is at `y`."""
    return 100 * (logits.argmax(1) == y).float().mean().item()
