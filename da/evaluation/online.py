"""What is measured of predictions that are made while test images stream by."""

import torch
from jaxtyping import Float
from torch import Tensor

from da.config.task_name import TaskName
from da.data.domain import Task
from da.evaluation.predictions import Predictions, online_accuracy
from da.methods import Method


def measure_online(method: Method, seen: Predictions, task: Task) -> dict[str, float]:
    """Measure the predictions that were made online.

    Those of a method that does not adapt online are its present ones, in a task with a stream; it
    has no online accuracy of its own. Of several targets, the error on each that has been seen is
    measured, and the mean of these.

    Args:
        method: The method.
        seen: Its present predictions.
        task: Task with labeled target test images.
    """
    name = TaskName.parse(task.name)
    if not method.streams and name.stream is None:
        return {}
    logits = method.get_buffer("online").cpu() if method.streams else seen.target_logits
    accuracy = online_accuracy(logits, task.target_test.y)
    found = {"target_accuracy/online": accuracy} if method.streams else {}
    each = _domain_errors(logits, task, name.targets)
    named = {f"domain/{own}/online_error": error for own, error in each.items()}
    if each:
        named["metric/mean_online_error"] = sum(each.values()) / len(each)
    return found | {"metric/online_error": 100 - accuracy} | named


def _domain_errors(
    logits: Float[Tensor, "m k"], task: Task, names: tuple[str, ...]
) -> dict[str, float]:
    """Return the error in percent on each of several targets of which images were seen."""
    test = task.target_test
    domains = test.take_domains(torch.arange(len(test)))
    if domains is None:
        return {}
    made, found = ~logits.isnan().any(1), {}
    for place, name in enumerate(names):
        here = domains == place
        if bool(made[here].any()):
            found[name] = 100 - online_accuracy(logits[here], test.y[here])
    return found
