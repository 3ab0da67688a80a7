"""What is measured of predictions that are made while test images stream by."""

import torch
from jaxtyping import Float
from torch import Tensor

from da.config.task_name import TaskName
from da.data.domain import Task
from da.evaluation.measured import score_unknown
from da.evaluation.predictions import Predictions, online_accuracy, outputs
from da.methods import Method


def measure_online(
    method: Method, seen: Predictions, task: Task, device: torch.device | None = None
) -> dict[str, float]:
    """Measure the predictions that were made online.

    Those of a method that does not adapt online are its present ones, in a task with a stream; it
    has no online accuracy of its own. Of several targets, the error on each that has been seen is
    measured, and the mean of these. Rejected unknown images are right, as in the accuracy.

    Args:
        method: The method.
        seen: Its present predictions.
        task: Task with labeled target test images.
        device: Device of the method; None for the CPU.
    """
    name = TaskName.parse(task.name)
    if not method.streams and name.stream is None:
        return {}
    logits = method.get_buffer("online").cpu() if method.streams else seen.target_logits
    if name.has_unknown:
        logits = _with_unknown(method, logits, task, device or torch.device("cpu"))
    accuracy = online_accuracy(logits, task.target_test.y)
    found = {"target_accuracy/online": accuracy} if method.streams else {}
    each = _domain_errors(logits, task, name.targets)
    named = {f"domain/{own}/online_error": error for own, error in each.items()}
    if each:
        named["metric/mean_online_error"] = sum(each.values()) / len(each)
    return found | {"metric/online_error": 100 - accuracy} | named


def _with_unknown(
    method: Method, logits: Float[Tensor, "m k"], task: Task, device: torch.device
) -> Float[Tensor, "m _"]:
    """Append the class unknown, which wins where the method rejects an image.

    No features were kept of a stream, so what it predicted is rejected by its entropy.
    """
    if method.streams:
        scores = Method.score_unknown(method, logits, logits)
    else:
        f = outputs(method, method.embed, task.target_test, device=device)
        scores = score_unknown(method, f, logits, device)
    won = torch.where(scores > 0.5, torch.inf, -torch.inf)
    return torch.cat([logits, won[:, None]], 1)


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
