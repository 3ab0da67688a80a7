"""The few labeled images of tasks that end in `+Kshot` or `+Klabel`."""

import torch
from jaxtyping import Int
from torch import Tensor

from da.config.task_name import TaskName
from da.data.domain import Domain


def first_shots(name: str, target: Domain, k: int) -> Int[Tensor, "_"]:
    """Return the rows of the first `k` target training images of each class.

    Classes that a task leaves to the source alone have none.

    Args:
        name: The task's name, for messages.
        target: Target domain.
        k: Images of each class.

    Raises:
        ValueError: A class has fewer.
    """
    rows, absent_too = target.rows["target_train"], bool(TaskName.parse(name).classes)
    each = [rows[target.y[rows] == c][:k] for c in range(len(target.classes))]
    for label, mine in zip(target.classes, each, strict=True):
        if len(mine) < k and not (absent_too and not len(mine)):
            raise ValueError(f"{name}: {label} has only {len(mine)} target training images")
    return torch.cat(each)


def first_labeled(name: str, domain: Domain, rows: Int[Tensor, "_"], k: int) -> Int[Tensor, "_"]:
    """Return the first `k` training rows of each class; all rows of a class that has fewer.

    Args:
        name: The task's name, for messages.
        domain: Domain of the images.
        rows: Training rows.
        k: Images of each class.

    Raises:
        ValueError: Every class has fewer.
    """
    each = [rows[domain.y[rows] == c][:k] for c in range(len(domain.classes))]
    if (most := max(map(len, each))) < k:
        raise ValueError(f"{name}: no class has {k} training images, known: up to +{most}label")
    return torch.cat(each)
