"""The order in which target test images arrive, for methods that learn while they do."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from da.config.stream_options import StreamOptions, list_visits
from da.config.task_name import TaskName
from da.data.domain import LabeledImages, Task
from da.data.draws import STREAM, generator, shuffle


def arrange_visits(name: TaskName, test: LabeledImages) -> LabeledImages:
    """Return the test images of a task as often as its stream shows them.

    A gradual stream visits all severities but the largest twice.

    Args:
        name: The task's name.
        test: Its target test images.

    Raises:
        ValueError: The order is by classes and there are no labels, or shifts need several domains.
    """
    if name.stream is None:
        return test
    options = StreamOptions.parse(name.stream)
    if options.needs_labels and not bool((test.y >= 0).all()):
        raise ValueError(f"{options.order} in '{name}': the images of the target have no labels")
    if options.shifts != "continual" and test.domains is None:
        raise ValueError(f"{options.shifts} in '{name}', known: of several targets")
    if options.shifts != "gradual":
        return test
    assert test.domains is not None
    of = test.domains[test.rows]
    visits = list_visits(options, name.targets)
    return replace(test, rows=torch.cat([test.rows[of == place] for place in visits]))


def order_stream(task: Task, seed: int) -> list[Int[Tensor, "_"]]:
    """Return the places of a task's target test images in order, a tensor from shift to shift.

    Without `+stream`, all images are shuffled. The order may follow the classes, where the task
    says so; nothing else here depends on them.

    Args:
        task: The task.
        seed: Seed of the order.
    """
    name, test = TaskName.parse(task.name), task.target_test
    if name.stream is None:
        return [shuffle(len(test), seed, STREAM, 0)]
    options = StreamOptions.parse(name.stream)
    return [
        places[_order(options, test, places, generator(seed, STREAM, number), number, seed)]
        for number, places in enumerate(_visits(options, name, test))
    ]


def _visits(options: StreamOptions, name: TaskName, test: LabeledImages) -> list[Tensor]:
    """Return the places of the images of each visit to a domain."""
    every = torch.arange(len(test))
    of = test.take_domains(every)
    if of is None or options.shifts == "mixed":
        return [every]
    visits = list_visits(options, name.targets)
    parts = {k: list((of == k).nonzero().flatten().chunk(visits.count(k))) for k in {*visits}}
    return [parts[place].pop(0) for place in visits]


def _order(
    options: StreamOptions,
    test: LabeledImages,
    places: Int[Tensor, "n"],
    draws: torch.Generator,
    number: int,
    seed: int,
) -> Int[Tensor, "n"]:
    """Return the order of the images of one visit.

    Args:
        options: Options of the stream.
        test: All test images.
        places: Places of the images in `test`.
        draws: Random numbers of this visit.
        number: Number of the visit.
        seed: Seed of all visits.
    """
    if options.order == "listed":
        return torch.arange(len(places))
    first = shuffle(len(places), seed, STREAM, number)
    if not options.needs_labels:
        return first
    y = test.take_y(places)[first]
    if options.order == "sorted":
        return first[y.argsort(stable=True)]
    assert options.delta is not None
    return first[correlate(y, options.delta, draws)]


def correlate(y: Int[Tensor, "n"], delta: float, draws: torch.Generator) -> Int[Tensor, "n"]:
    """Return an order in which images of a class come together (Gong et al. 2022, NOTE).

    There are as many slots as classes. Shares of a Dirichlet distribution divide each class among
    the slots, and in a slot, classes follow each other in a random order.

    Args:
        y: Classes of the images.
        delta: Parameter of the distribution; the smaller, the fewer classes are in a slot.
        draws: Random numbers.
    """
    classes = y.unique()
    rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=draws)))
    shares = rng.dirichlet(np.full(len(classes), delta), len(classes))
    pieces = []
    for k, share in zip(classes, shares, strict=True):
        own = (y == k).nonzero().flatten()
        cuts = (share.cumsum()[:-1] * len(own)).round().astype(int)
        pieces.append(own.tensor_split(cuts.tolist()))
    slots = zip(*pieces, strict=True)
    return torch.cat([slot[k] for slot in slots for k in rng.permutation(len(classes))])
