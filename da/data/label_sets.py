"""Settings in which source and target have different classes: partial, open and universal."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from da.config.task_name import TaskName
from da.config.validation import shorten_names
from da.data.class_lists import sort_by_letters
from da.data.domain import PARTS, Domain, are_same

NUMBERS = {"partial": (1, 1), "open": (1, 2), "universal": (2, 3)}
"""Least and most numbers of classes after each word, where there are some."""


@dataclass(frozen=True)
class Shares:
    """Names of the classes that each domain of a task keeps."""

    source: frozenset[str]
    common: frozenset[str]
    """Classes that both have."""
    private: frozenset[str]
    """Classes of the target alone, which are pooled as one unknown class."""


def share_classes(
    name: TaskName, dataset: object, source: Domain, target: Domain
) -> tuple[Domain, Domain]:
    """Return source and target with the classes that the task's name gives each.

    The target's classes are numbered as the source's. All classes that the source lacks have the
    number that follows. A target that is the source itself is tested on held-out images. One
    without labels stays as it is, where the name says no numbers.

    Args:
        name: The task's name.
        dataset: Module of the data set.
        source: The source domain, with all classes.
        target: The target domain, with all classes.

    Raises:
        ValueError: If the target lacks labels that numbers need, or has classes that do not fit.
    """
    if not target.is_labeled:
        if not name.counts:
            return source, target
        raise ValueError(f"{name}: the images of {name.target} have no labels to choose them by")
    if are_same(source, target):
        target = replace(target, rows=target.rows | {"target_test": target.rows["source_test"]})
    try:
        order = order_classes(dataset, {*source.classes, *target.classes}, name.order)
        shares = choose_classes(name, order, source.classes, target.classes)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    known = tuple(c for c in source.classes if c in shares.source)
    kept = keep_classes(source, known, shares.source)
    return kept, keep_classes(target, known, shares.common, shares.private)


def order_classes(dataset: object, names: Collection[str], order: str = "") -> tuple[str, ...]:
    """Return classes in the order in which a setting counts them.

    Without a name it is the first of the data set's `ORDERS`, where it has such, and else
    `letters`: that of the letters of the names, without regard to case and marks. `bytes` puts
    upper case first.

    Args:
        dataset: Module of the data set.
        names: Names of the classes.
        order: Name of the order.

    Raises:
        ValueError: There is no such order.
    """
    own: Mapping[str, tuple[str, ...]] = getattr(dataset, "ORDERS", {})
    known = {**own, "letters": sort_by_letters(names), "bytes": tuple(sorted(names))}
    if order and order not in known:
        raise ValueError(f"unknown order of classes {order!r}, known: {', '.join(known)}")
    return known[order or next(iter(known))]


def choose_classes(
    name: TaskName, order: Sequence[str], source: Collection[str], target: Collection[str]
) -> Shares:
    """Return the classes that each domain of a task keeps.

    Of N/P/M in its name, N classes that both keep come first in the order, then P of the source
    alone. M of the target alone are the last ones; without M, they are all that follow.

    Args:
        name: The task's name.
        order: All classes, as the setting counts them.
        source: Classes that the source has.
        target: Classes that the target has.

    Raises:
        ValueError: A domain lacks classes, or none are left for it.
    """
    if not name.counts:
        shares = _as_they_are(name.classes, source, target)
    else:
        shares = _by_number(name, order)
        for side, needed, has in (
            ("source", shares.source, source),
            ("target", shares.common | shares.private, target),
        ):
            if lacking := needed - {*has}:
                raise ValueError(f"the {side} lacks the classes {shorten_names(sorted(lacking))}")
    _check_shares(name, shares, len(order))
    return shares


def _as_they_are(kind: str, source: Collection[str], target: Collection[str]) -> Shares:
    """Share classes by what the domains have, where the name says no numbers.

    Raises:
        ValueError: One lacks classes of the other that the setting needs.
    """
    mine, theirs = frozenset(source), frozenset(target)
    if kind == "partial" and (more := theirs - mine):
        raise ValueError(f"the target has {shorten_names(more)}, which the source lacks")
    if kind == "open" and (more := mine - theirs):
        said = f"the source has {shorten_names(more)}, which the target lacks"
        raise ValueError(f"{said}; +universal takes such domains")
    return Shares(mine, mine & theirs, theirs - mine)


def _by_number(name: TaskName, order: Sequence[str]) -> Shares:
    numbers = name.counts
    fewest, most = NUMBERS[name.classes]
    if not fewest <= len(numbers) <= most or 0 in numbers[:1]:
        known = {"partial": "+partialN", "open": "+openN or +openN/M"}
        usual = known.get(name.classes, "+universalN/P or +universalN/P/M")
        raise ValueError(f"{name.data_end!r} has other numbers than {usual}, N from 1 on")
    common = frozenset(order[: numbers[0]])
    if name.classes == "partial":
        if numbers[0] >= len(order):
            raise ValueError(
                f"a partial target with {numbers[0]} classes, known: 1 to {len(order) - 1}"
            )
        return Shares(frozenset(order), common, frozenset())
    ends = numbers[0] + (numbers[1] if name.classes == "universal" else 0)
    rest = order[ends:]
    last = numbers[fewest] if len(numbers) > fewest else len(rest)
    if sum(numbers) > len(order):
        raise ValueError(f"{sum(numbers)} classes in {name.data_end!r}, and there are {len(order)}")
    private = frozenset(rest[len(rest) - last :])
    return Shares(frozenset(order[:ends]), common, private)


def _check_shares(name: TaskName, shares: Shares, count: int) -> None:
    """Refuse a setting that is another one, because a domain has no classes of its own.

    Raises:
        ValueError: It is.
    """
    if name.classes == "partial" and shares.common == shares.source:
        said = f"all {count} classes of the source"
        raise ValueError(f"a partial target with {said}, known: 1 to {count - 1}")
    if not shares.common:
        raise ValueError("no class is in both domains")
    if name.has_unknown and not shares.private:
        raise ValueError(f"no class is in the target alone, which {name.data_end!r} needs")
    if name.classes == "universal" and shares.common == shares.source:
        raise ValueError(f"no class is in the source alone, which {name.data_end!r} needs")


def keep_classes(
    domain: Domain,
    classes: tuple[str, ...],
    kept: Collection[str],
    private: Collection[str] = (),
) -> Domain:
    """Return a domain with some of its classes, numbered as in `classes`.

    The images of other classes stay stored; they have no role.

    Args:
        domain: Domain with all classes.
        classes: Names of the classes, as they are numbered.
        kept: Those of them that stay.
        private: Further ones that stay, all with the number that follows those of `classes`.
    """
    place = {label: i for i, label in enumerate(classes)}
    number = torch.tensor([place.get(label, len(classes)) for label in domain.classes])
    stays = torch.tensor([label in kept or label in private for label in domain.classes])
    alive = stays[domain.y]
    rows = {part: domain.rows[part][alive[domain.rows[part]]] for part in PARTS}
    unpooled = domain.y if private else None
    return replace(domain, classes=classes, y=number[domain.y], rows=rows, unpooled=unpooled)
