"""Estimates of the target's class frequencies, by which predictions are weighed."""

import torch
from jaxtyping import Float
from torch import Tensor

from da.data.domain import Task
from da.evaluation.predictions import outputs
from da.methods import Method
from da.methods._class_weights import find_weights
from da.ops.label_shift import ESTIMATORS


def update_weights(
    method: Method, task: Task, estimator: str, balanced: bool, device: torch.device | None = None
) -> Float[Tensor, "k"] | None:
    """Estimate the target's class frequencies, weigh predictions by them, and return them.

    Held-out source images tell how predictions err, and the target's training images how often
    each class is predicted. No target label is looked at. Where the method weighs no classes,
    do nothing and return None.

    Args:
        method: Trained method.
        task: Its task.
        estimator: Name of the estimator, one of `ESTIMATORS`.
        balanced: Whether it was trained on as many source images of each class.
        device: Device of the computation; None for the CPU.
    """
    weights = find_weights(method)
    if weights is None:
        return None
    source = outputs(method, method.predict_source, task.source_test, device=device)
    target = outputs(method, method.predict, task.target_train, device=device)
    found = ESTIMATORS[estimator](source, task.source_test.y, target)
    y, k = task.source_train.y, len(task.classes)
    training = torch.ones(k) / k if balanced else torch.bincount(y, minlength=k) / len(y)
    weights.set(found, training)
    return found
