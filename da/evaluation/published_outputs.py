"""Outputs of the runs of one task in one small file, for trying a selector without training."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from da.config.validation import shorten_names
from da.evaluation import kept_outputs
from da.evaluation.collector import WIDTH, top_directions
from da.evaluation.kept_outputs import Stored, pack
from da.evaluation.predictions import Predictions
from da.results.output_files import outputs_file
from da.results.records import Record

MOST = 5_000_000
"""Most bytes of the file."""

HEADER = 150
"""Bytes that a key takes at most."""

FEATURES = "source_features", "target_features"


@dataclass(frozen=True)
class Published:
    """A file of published outputs."""

    file: Path
    runs: int
    """Number of runs."""
    width: int
    """Number of features of an image."""


def publish_outputs(
    found: Iterable[Record], task: str, name: str, results: Path, out: Path
) -> Published:
    """Write the outputs of all runs of a task and seed 0: logits, and features of the last step.

    Features are projected to as few numbers as `MOST` bytes allow, as `da.evaluation.collector`
    does.

    Args:
        found: Records of an experiment.
        task: Name of the task; runs that see a few labels of it belong to it.
        name: Name of the file, without ending.
        results: Folder of the records and their outputs.
        out: Folder of the published records.

    Raises:
        ValueError: No run of the task has outputs here, or their logits alone are too large.
    """
    wanted = _of_task([*found], task)
    here = [r for r in wanted if outputs_file(r.id, results).exists()]
    if not here:
        raise ValueError(f"no run of {task} and seed 0 has outputs in {results / 'outputs'}")
    tensors: Stored = {}
    last: dict[str, Predictions] = {}
    about: dict[str, dict[str, object]] = {}
    for record in here:
        outputs = kept_outputs.load(record, results)
        target = kept_outputs.load_target(record, results)
        about[record.id] = {"outputs": record.outputs, "classes": target.classes}
        for step, seen in outputs.items():
            tensors |= _logits(f"{record.id}/{step}", seen)
        last[f"{record.id}/{step}"] = seen
        tensors[f"{record.id}/source_y"] = seen.source_y.int()
        tensors[f"{record.id}/target_y"] = target.y.int()
    width = _width(tensors, last.values())
    for key, seen in last.items():
        tensors |= {f"{key}/{name}": x for name, x in _features(seen, width).items()}
    file = out / "outputs" / f"{name}.safetensors"
    kept_outputs.write(tensors, {"runs": about}, file, "--out")
    return Published(file, len(here), width)


def _of_task(found: list[Record], task: str) -> list[Record]:
    """Return the records of a task and seed 0, a few labels of its target or not."""
    form = re.compile(re.escape(task) + r"(\+\d+shot)?")
    own = [r for r in found if form.fullmatch(r.settings["task"])]
    if not own:
        known = shorten_names(dict.fromkeys(r.settings["task"] for r in found))
        raise ValueError(f"unknown task {task!r}, known: {known}")
    return [r for r in own if r.settings["seed"] == 0]


def _logits(key: str, seen: Predictions) -> Stored:
    return {f"{key}/{name}": getattr(seen, name) for name in kept_outputs.EXACT}


def _width(tensors: Mapping[str, torch.Tensor], last: Iterable[Predictions]) -> int:
    """Return the largest number of features with which the file is small enough."""
    seen = [one for one in last if one.target_features is not None]
    keys = len(tensors) + 3 * len(seen)
    free = MOST - sum(x.nbytes for x in tensors.values()) - HEADER * keys
    rows = sum(len(one.source_y) + sum(one.target_logits.shape) for one in seen)
    width = min(WIDTH, free // (2 * rows)) if rows else WIDTH
    if width < 1 or free < 0:
        raise ValueError(f"logits of these runs alone have more than {MOST / 1e6:.0f} MB")
    return width


def _features(seen: Predictions, width: int) -> Stored:
    """Return the packed features of an evaluation, and the weights of its classifier."""
    names = [*FEATURES, "head_weight"]
    found = {name: getattr(seen, name) for name in names if getattr(seen, name) is not None}
    if found and next(iter(found.values())).shape[1] > width:
        basis = top_directions(torch.cat([found[name] for name in FEATURES]), width)
        found = {name: x @ basis for name, x in found.items()}
    empty = Predictions(seen.source_logits, seen.source_y, seen.target_logits, **found)
    return {name: x for name, x in pack(empty).items() if name in names}
