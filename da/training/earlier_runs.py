"""Parts of finished runs that a run begins with, or learns from."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from da.data.domain import Task
from da.methods import Method
from da.methods._column_heads import NAME as COLUMN_HEADS
from da.models import pruning, saved_weights
from da.models.class_order import class_order, load_column_heads, load_head
from da.runs.run import Run
from da.runs.trained_model import load_model


def load_top(method: Method, run: Run, task: Task, results: Path) -> None:
    """Load neck and heads of the run that `run` begins with, and prune the network if it says so.

    Args:
        method: Method that is loaded.
        run: Settings of the run.
        task: Task whose classes name the outputs.
        results: Folder of the records and weights.

    Raises:
        ValueError: Where that run's neck or head has other shapes, or its classes other names.
    """
    states = {
        "neck": saved_weights.load_weights(run.init, "neck", results),
        "head": load_head(run.init, task.classes, results),
    }
    if columns := task.source_train.columns:
        states[f"{COLUMN_HEADS}.each"] = load_column_heads(run.init, columns, results)
    for name, state in states.items():
        try:
            method.get_submodule(name).load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(
                f"run {run.init!r} has another {name} than this run's network"
            ) from error
    if run.tuning.begins_with == "network":
        refresh_copies(method)
    if run.sparsity and not run.structured:
        pruning.zero_smallest(pruning.prunable_weights(method.backbone, method.neck), run.sparsity)


COPIES = {"teacher": ("backbone", "neck", "head"), "source_encoder": ("backbone", "neck")}
"""Parts of methods that begin as copies, and what they are copies of."""


def refresh_copies(method: Method) -> None:
    """Make the copies that a method holds of its network equal to the network again."""
    for name, parts in COPIES.items():
        if isinstance(copy := getattr(method, name, None), nn.Module):
            own = nn.Sequential(*(method.get_submodule(part) for part in parts))
            copy.load_state_dict(own.state_dict())


def load_teacher(
    run: Run, task: Task, place: torch.device, results: Path
) -> Callable[[Tensor], Tensor]:
    """Load the finished run that `run` learns from, as a function to logits of the task's classes.

    Args:
        run: Settings of the run.
        task: Task whose classes name the outputs.
        place: Device of the network.
        results: Folder of the records and weights.

    Raises:
        ValueError: Where its classes have other names, or its input has another size.
    """
    teacher = load_model(run.teacher, results).to(place)
    order = class_order(run.teacher, teacher.classes, task.classes)
    theirs, ours = teacher.resize.side, task.source_train.resize.side
    if theirs != ours:
        raise ValueError(f"teacher {run.teacher!r} has {theirs} pixels a side, this run {ours}")
    if order == sorted(order):
        return teacher.forward
    return lambda x: teacher(x)[:, order]
