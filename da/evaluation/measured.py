"""What is measured of a method on labeled test images, by the names that records store."""

import torch
from torch import Tensor

from da.config.task_name import TaskName
from da.data.domain import Task
from da.data.label_columns import Column
from da.evaluation import metrics
from da.evaluation.metrics import Decided
from da.evaluation.predictions import Predictions, outputs
from da.methods import Method

Measured = dict[str, float]
"""Numbers by their names in an evaluation."""

SHOTS = 3
"""Images of each class that `few_shot` is measured on."""


def measure(method: Method, seen: Predictions, task: Task, device: torch.device) -> Measured:
    """Measure predictions for target test images.

    There are the accuracy, over all images, over classes and on a few images (`few_shot`), the
    macro F1 score, and the confusion matrix where classes are few. Tasks of several targets have
    the accuracy on each of them, and tasks with unknown images what `metrics.open_set` and
    `metrics.separation` tell.

    Args:
        method: The method, which says which images are unknown.
        seen: Its predictions.
        task: Task with labeled target test images.
        device: Device of the method.
    """
    name, test, k = TaskName.parse(task.name), task.target_test, len(task.classes)
    closed = seen.target_logits.argmax(1)
    decided, found = Decided(test.y, closed, k), Measured()
    if name.has_unknown:
        f = outputs(method, method.embed, test, device=device)
        scores = score_unknown(method, f, seen.target_logits, device)
        decided = Decided(test.y, torch.where(scores > 0.5, k, closed), k)
        found |= _of_unknown(decided, scores, closed)
        if name.classes == "universal" and test.unpooled is not None:
            private = test.y == k
            found |= _of_universal(found, f[private], test.unpooled[test.rows][private])
    found |= {"mean_class": metrics.mean_class(decided), "macro_f1": metrics.macro_f1(decided)}
    accuracy = 100 * (decided.y == decided.predicted).float().mean().item()
    named = (*task.classes, "unknown")
    recalls = {named[c]: share for c, share in metrics.class_recalls(decided).items()}
    return (
        {"target_accuracy": accuracy, "few_shot": _on_few(decided)}
        | {f"metric/{name}": value for name, value in found.items()}
        | _of_domains(decided, name, test.take_domains(torch.arange(len(test))))
        | (_of_groups(decided, test.groups, test.rows) if test.groups else {})
        | {f"class/{label}": share for label, share in recalls.items()}
        | _confusion(decided)
    )


def score_unknown(method: Method, f: Tensor, logits: Tensor, device: torch.device) -> Tensor:
    """Return how likely images are unknown to a method, by their features and logits."""
    with method.evaluation_mode(), torch.no_grad():
        return method.score_unknown(f.to(device), logits.to(device)).float().cpu()


def _on_few(decided: Decided) -> float:
    """Return the accuracy, in percent, on the first three test images of each class."""
    y = decided.y
    rows = torch.cat([(y == c).nonzero()[:SHOTS, 0] for c in y.unique()])
    return 100 * (y[rows] == decided.predicted[rows]).double().mean().item()


def _of_unknown(decided: Decided, scores: Tensor, closed: Tensor) -> Measured:
    separated = metrics.separation(scores, decided.y, closed, decided.classes)
    return metrics.open_set(decided) | separated


def _of_universal(found: Measured, f: Tensor, private: Tensor) -> Measured:
    """Return the H-score, which is the HOS of the common classes, and the H3-score."""
    h, agreement = found["hos"], metrics.cluster_agreement(f, private)
    h3 = metrics.harmonic_mean(found["os_star"], found["unk"], agreement)
    return {"h_score": h, "h3": h3, "private_nmi": agreement}


def _of_domains(decided: Decided, name: TaskName, domains: Tensor | None) -> Measured:
    """Return the accuracy on each of several targets, their mean and the lowest."""
    if domains is None:
        return {}
    each = metrics.domain_accuracies(decided, domains)
    named = {f"domain/{own}": share for own, share in zip(name.targets, each, strict=True)}
    return named | {"metric/mean_domain": sum(each) / len(each), "metric/worst_domain": min(each)}


def _of_groups(decided: Decided, groups: Column, rows: Tensor) -> Measured:
    """Return the accuracy on each group of test images, and the lowest."""
    of, right = groups.y[rows], 100 * (decided.y == decided.predicted).double()
    each = {c: right[of == c].mean().item() for c in of.unique().tolist() if c >= 0}
    named = {f"group/{groups.classes[c]}": share for c, share in each.items()}
    return named | ({"metric/worst_group": min(each.values())} if each else {})


def _confusion(decided: Decided) -> Measured:
    """Return the numbers above 0 of the confusion matrix, by true and predicted class."""
    if decided.classes > metrics.MOST:
        return {}
    table = decided.confusion
    return {f"confusion/{i}/{j}": int(table[i, j]) for i, j in table.nonzero().tolist()}
