"""Measure what a run costs by a few steps and an evaluation of it, and leave nothing behind."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from da.config.validation import is_run_id
from da.data.domain import Domain
from da.models.features import Recipe, extract_features, find_reader, scale_rows, time_features
from da.models.frozen_backbone import FrozenBackbone
from da.models.saved_weights import WeightsError, weights_file, weights_origin
from da.results import records
from da.results.output_files import outputs_file
from da.runs.run import Run
from da.system.cache import NotMadeError, without_making
from da.training.backbone_setup import list_features, read_recipe
from da.training.device import find_device
from da.training.outputs import Outputs, keep_outputs, store_outputs
from da.training.setup import assemble, count_steps, open_domains
from da.training.train import build_record, fit, save_run_weights

FIRST = 5
"""Steps of a first, short training, which warms up and tells how long a step takes."""

ENOUGH = 2.0
"""Seconds that the steps of the second training take together, where the run has as many."""

SLOW = 20.0
"""Seconds of the first training from which on there is no second one."""


@dataclass(frozen=True)
class Cost:
    """What a run costs: time in seconds, and files in bytes."""

    rest: float
    """Time of all but the training steps."""
    steps: float = 0.0
    """Time of the training steps, which runs that are one training share."""
    record: float = 0.0
    """Size of its record."""
    outputs: float = 0.0
    """Size of its outputs."""
    weights: float = 0.0
    """Size of its weights, where they are stored."""
    source: str = "measured now"
    """Where the numbers are from."""


@dataclass(frozen=True)
class FeatureCost:
    """What the features of an image cost."""

    seconds: float
    """Time to compute them."""
    bytes: int
    """Their size."""


@dataclass(frozen=True)
class Conditions:
    """What a cost depends on other than the run."""

    results: Path
    """Folder of the records, with the weights that runs begin with."""
    device: str = "auto"
    outputs: Outputs = "auto"
    runs: Mapping[str, Run] = field(default_factory=dict)
    """Runs that others begin with and that have not ended, by id; they lend untrained weights."""
    threads: int = 1
    """Threads of a process."""
    workers: int = 1
    """Number of processes."""
    scratch: Path | None = None
    """Folder for what is removed in the end; None for one of the system."""


@dataclass(frozen=True)
class _Taken:
    """A short training: steps, evaluations, and the seconds and bytes of its parts."""

    done: int
    looks: int
    total: int
    """Steps of the whole run."""
    prepared: float
    steps: float
    evaluations: float
    stored: float
    record: int
    outputs: int
    weights: int


def measure_run(run: Run, weights: bool, how: Conditions) -> Cost:
    """Measure what a run costs by short trainings, in a folder that is removed.

    Features that are not stored yet are random numbers of the same size, and so are the weights of
    a run that has not ended.

    Args:
        run: Settings of the run.
        weights: Whether its weights are stored.
        how: What the cost depends on besides.

    Raises:
        ValueError: Where the run's data, weights or device are not available.
    """
    with TemporaryDirectory(dir=how.scratch) as folder:
        lend_weights(run, how, Path(folder))
        start = time.perf_counter()
        taken = _take(run, min(FIRST, run.steps), 1, weights, how, Path(folder))
        if time.perf_counter() - start < SLOW:
            steps = int(ENOUGH * taken.done / max(taken.steps, 1e-6))
            steps = min(taken.total, max(FIRST, steps))
            taken = _take(run, steps, min(2, taken.total), weights, how, Path(folder))
    return _scaled(run, taken, how)


def _scaled(run: Run, taken: _Taken, how: Conditions) -> Cost:
    """Return the cost of a whole run by a short training of it."""
    looks = math.ceil(taken.total / run.eval_every)
    more = looks / taken.looks
    every = how.outputs == "all" or (how.outputs == "auto" and run.regime == "frozen")
    return Cost(
        taken.prepared + taken.evaluations * more + taken.stored,
        taken.steps * taken.total / taken.done,
        taken.record * more,
        taken.outputs * (more if every else 1),
        taken.weights,
    )


def _take(run: Run, steps: int, looks: int, weights: bool, how: Conditions, folder: Path) -> _Taken:
    """Train a run for a few steps as a sweep does, with evaluations and files."""
    warmup = min(run.tuning.warmup, steps)
    short = replace(
        run,
        steps=steps,
        eval_every=math.ceil(steps / looks),
        tuning=replace(run.tuning, warmup=warmup),
    )
    start = time.perf_counter()
    parts = assemble(short, how.device, folder, extract_or_stand_in)
    keep_outputs(short, parts, how.outputs, folder)
    prepared = time.perf_counter()
    curve, seconds = fit(short, parts, quiet=True)
    fitted = time.perf_counter()
    record = build_record(short, parts, curve, fitted - start, 0.0)
    record = store_outputs(record, parts, folder)
    records.save(record, folder)
    if weights:
        save_run_weights(short, parts, folder)
    return _Taken(
        int(curve[-1]["step"]),
        len(curve),
        count_steps(run, parts),
        prepared - start,
        seconds,
        fitted - prepared - seconds,
        time.perf_counter() - fitted,
        _size(records.record_path(folder, short.id)),
        _size(outputs_file(short.id, folder)),
        _size(weights_file(short.id, folder)),
    )


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def lend_weights(run: Run, how: Conditions, folder: Path) -> None:
    """Put the weights that a run begins with into a folder; of a run to come, untrained ones.

    Raises:
        ValueError: Where a run has neither weights nor is to come.
    """
    for id in filter(is_run_id, (run.init, run.teacher)):
        lent, own = weights_file(id, folder), weights_file(id, how.results)
        if lent.exists():
            continue
        lent.parent.mkdir(exist_ok=True)
        if own.exists():
            lent.symlink_to(own.absolute())
        elif id in how.runs:
            first = how.runs[id]
            lend_weights(first, how, folder)
            parts = assemble(first, how.device, folder, extract_or_stand_in)
            save_run_weights(first, parts, folder)
        else:
            raise WeightsError(f"no weights of run {id!r} in {own.parent}, which it begins with")


def extract_or_stand_in(
    domain: Domain, backbone: FrozenBackbone, recipe: Recipe, device: torch.device
) -> Domain:
    """Return a domain with its features, or with random ones where these are not stored."""
    try:
        with without_making():
            return extract_features(domain, backbone, recipe, device)
    except NotMadeError:
        return _stand_in(domain, backbone, recipe)


def _stand_in(domain: Domain, backbone: FrozenBackbone, recipe: Recipe) -> Domain:
    """Return a domain with random features about a center for each class."""
    network: Any = find_reader(domain, backbone).network
    g = torch.Generator().manual_seed(0)
    classes = max(len(domain.classes), 2)
    centers = torch.randn(classes, network.width, generator=g)
    y = torch.where(domain.y < 0, torch.arange(len(domain.y)) % classes, domain.y)
    x = scale_rows(centers[y] + torch.randn(len(y), network.width, generator=g))
    if recipe.views:
        x = x[:, None].expand(-1, 1 + recipe.views, -1).contiguous()
    return replace(domain, x=x)


def measure_features(run: Run, how: Conditions) -> dict[str, FeatureCost]:
    """Measure what the features of an image cost, by the names of the run's backbones.

    Args:
        run: Settings of a run on frozen features.
        how: What the cost depends on besides.
    """
    with TemporaryDirectory(dir=how.scratch) as folder:
        lend_weights(run, how, Path(folder))
        begun = weights_origin(run.init, Path(folder))
        place, recipe = find_device(how.device), read_recipe(run)
        asked = list_features(run, open_domains(run), begun, Path(folder))
        return {
            frozen.name: FeatureCost(*time_features(seen[0], frozen, recipe, place))
            for frozen, seen in asked
        }
