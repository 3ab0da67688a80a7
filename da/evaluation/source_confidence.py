"""How sure a network is of held-out source images, which tells of its accuracy elsewhere."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from da.config.task_name import TaskName
from da.data.domain import Task
from da.evaluation.predictions import outputs
from da.methods import Method
from da.statistics.expected_accuracy import LIMIT, Confidence

ROWS = 500
"""Most rows that are kept of the source; each stands for as many images, of neighboring odds."""


def measure_confidence(
    method: Method, task: Task, device: torch.device | None = None
) -> Confidence:
    """Return log odds and share of right predictions of held-out source images.

    There are none where the source is tested on images that it trains on, or where target images
    may be of no known class, which the source does not tell about.

    Args:
        method: Trained method.
        task: Task whose source test images are classified.
        device: Device of the computation; None for the CPU.
    """
    test, train = task.source_test, task.source_train
    if torch.isin(test.rows, train.rows).any() or TaskName.parse(task.name).has_unknown:
        return ()
    logits = outputs(method, method.predict_source, test, device=device, crops=True)
    return summarize_confidence(logits, test.y)


def summarize_confidence(logits: Float[Tensor, "n k"], y: Int[Tensor, "n"]) -> Confidence:
    """Return the log odds of predicted classes, rising, each with the share that is right."""
    odds, right = log_odds(logits), (logits.argmax(1) == y).double()
    groups = odds.argsort().tensor_split(min(ROWS, len(y)))
    return tuple((round(odds[i].mean().item(), 4), right[i].mean().item()) for i in groups)


def log_odds(logits: Float[Tensor, "n k"]) -> Float[Tensor, "n"]:
    """Return the log odds of each predicted class: of its probability against all others'."""
    ordered = logits.double().sort(1, descending=True).values
    return (ordered[:, 0] - ordered[:, 1:].logsumexp(1)).clamp(max=LIMIT)
