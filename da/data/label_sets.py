"""Settings in which source and target have different classes."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from da.config.task_name import TaskName
from da.config.validation import shorten_names
from da.data.class_lists import sort_by_letters
from da.data.domain import PARTS, Domain, are_same


def partial_target(name: TaskName, dataset: object, source: Domain, target: Domain) -> Domain:
    """Return the target of a partial task: some of its classes, numbered as the source's.

    Where it is the source itself, it is tested on held-out images.

    Args:
        name: The task's name.
        dataset: Module of the data set.
        source: Its source domain.
        target: Its target domain, with all classes.

    Raises:
        ValueError: If the target has no labels, or classes that do not fit.
    """
    if not target.is_labeled:
        raise ValueError(f"{name}: the images of {name.target} have no labels to choose them by")
    if are_same(source, target):
        target = replace(target, rows=target.rows | {"target_test": target.rows["source_test"]})
    order = order_classes(dataset, source.classes)
    try:
        kept = shared_classes(order, target.classes, name.shared)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return keep_classes(target, kept, source.classes)


def order_classes(dataset: object, names: Sequence[str]) -> tuple[str, ...]:
    """Return classes in the order in which the settings of a data set count them.

    It is the `ORDER` of the data set, where it has one, and else that of the letters of the names,
    without regard to case and marks.
    """
    return getattr(dataset, "ORDER", None) or sort_by_letters(names)


def shared_classes(order: Sequence[str], present: Sequence[str], count: int | None) -> set[str]:
    """Return the classes that the target of a partial task keeps.

    Args:
        order: Classes of the source, as settings count them.
        present: Classes that the target has.
        count: Number of classes that are kept, the first of `order`; None for all of the target's.

    Raises:
        ValueError: If the source lacks a class of the target's, or has no other classes.
    """
    if more := {*present} - {*order}:
        raise ValueError(f"the target has {shorten_names(more)}, which the source lacks")
    kept = {*order[:count]} & {*present} if count else {*present}
    if len(kept) >= len(order) or (count and len(kept) < count):
        said = f"{count} classes" if count else f"all {len(order)} classes of the source"
        raise ValueError(f"a partial target with {said}, known: 1 to {len(order) - 1}")
    return kept


def keep_classes(domain: Domain, kept: set[str], classes: tuple[str, ...]) -> Domain:
    """Return a domain without the images of other classes, with these numbered as in `classes`.

    The images stay stored; they have no role.
    """
    place = {name: i for i, name in enumerate(classes)}
    number = torch.tensor([place[name] for name in domain.classes])
    stays = torch.tensor([name in kept for name in domain.classes])[domain.y]
    rows = {part: domain.rows[part][stays[domain.rows[part]]] for part in PARTS}
    return replace(domain, classes=classes, y=number[domain.y], rows=rows)
