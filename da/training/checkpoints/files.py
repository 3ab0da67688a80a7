"""Files of checkpoints: `checkpoints/ID/STEP/` in the folder of the records.

Each folder holds tensors, what is not a tensor as JSON, and a digest of both.
"""

import hashlib
import json
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, contiguous_format

from da.config.validation import require_run_id
from da.results import records
from da.results.records import Point
from da.system.cache import file_sha256, write_whole
from da.system.one_line import one_line
from da.system.temporary import part_path, remove, remove_abandoned
from da.training.checkpoints.objects import State

FOLDER = "checkpoints"
"""Name of the folder of all checkpoints, in the folder of the records."""

KEPT = 2
"""Checkpoints of a run that are kept, the last ones."""

TENSORS, REST, DIGEST = "tensors.safetensors", "state.json", "sha256"
"""Names of the files of a checkpoint."""


@dataclass(frozen=True)
class About:
    """What a checkpoint says of its run, next to its state."""

    made_from: dict[str, Any]
    """What has to be the same for a run that goes on from it."""
    step: int
    """Steps that were done."""
    seconds: float
    """Seconds of the run until then, evaluations included."""
    training_seconds: float
    """Seconds of its steps alone."""
    environment: dict[str, str] = field(default_factory=dict)
    """Machine and software of the process that wrote it."""
    curves: dict[str, list[Point]] = field(default_factory=dict)
    """Evaluations until then, by the id of the run."""


def run_folder(run_id: str, results: Path) -> Path:
    """Return the folder of the checkpoints of a run.

    Args:
        run_id: Id of the run.
        results: Folder of its record.
    """
    return results / FOLDER / require_run_id(run_id)


def write(folder: Path, about: About, state: State) -> None:
    """Write a checkpoint, whole or not at all, and remove all but the last ones.

    Args:
        folder: Folder of the run's checkpoints.
        about: What it says of the run.
        state: State of the run.

    Raises:
        OSError: It cannot be written, for example because the disk is full.
    """
    rest = {"about": asdict(about), "nodes": state.nodes, "more": state.more}
    with write_whole(folder / f"{about.step}", records.CHOSEN_BY) as part:
        part.mkdir()
        try:
            save_file({key: _on_cpu(x) for key, x in state.tensors.items()}, part / TENSORS)
        except SafetensorError as error:
            raise OSError(f"{error}") from error
        (part / REST).write_text(json.dumps(rest))
        (part / DIGEST).write_text(_digest(part))
    for step in _steps(folder)[KEPT:]:
        _remove(folder / f"{step}")


def _on_cpu(x: Tensor) -> Tensor:
    """Return a copy in memory of its own, which files of safetensors need."""
    return x.to("cpu", copy=True, memory_format=contiguous_format)


def _digest(path: Path) -> str:
    both = [file_sha256(path / name) for name in (TENSORS, REST)]
    return hashlib.sha256("".join(both).encode()).hexdigest()


def read_newest(
    folder: Path, made_from: Mapping[str, Any], runs: Collection[str]
) -> tuple[About, State] | None:
    """Read the newest checkpoint that is whole, and remove all others; None if there is none.

    One line on stderr names each that is damaged, or made from other code or data.

    Args:
        folder: Folder of the run's checkpoints.
        made_from: What the run is made from now.
        runs: Ids of the runs that are this training, all of which a checkpoint must hold.
    """
    remove_abandoned(folder)
    found, now = None, json.loads(json.dumps(made_from))
    for path in [folder / f"{step}" for step in _steps(folder)]:
        if found is None:
            found = _read_usable(path, now, runs)
            if found is not None:
                continue
        _remove(path)
    return found


def _read_usable(
    path: Path, now: Mapping[str, Any], runs: Collection[str]
) -> tuple[About, State] | None:
    """Read a checkpoint; say why, and return None, where it is of no use."""
    read = _read(path)
    why = "is damaged"
    if read is not None:
        then = read[0].made_from
        other = [name for name in {**then, **now} if then.get(name) != now.get(name)]
        other += [] if {*runs} <= read[0].curves.keys() else ["group of runs"]
        if not other:
            return read
        why = f"is of another {' and '.join(other)}"
    print(f"da: the checkpoint {path} {why}: not used", file=sys.stderr)
    return None


def _read(path: Path) -> tuple[About, State] | None:
    """Read a checkpoint; None where it is damaged."""
    try:
        if (path / DIGEST).read_text() != _digest(path):
            return None
        rest = json.loads((path / REST).read_text())
        state = State(rest["nodes"], rest["more"], load_file(path / TENSORS))
        return About(**rest["about"]), state
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        return None


def _steps(folder: Path) -> list[int]:
    """Return the steps of the checkpoints in a folder, the last first."""
    names = [path.name for path in folder.glob("*")]
    return sorted((int(name) for name in names if name.isdecimal()), reverse=True)


def _remove(path: Path) -> None:
    """Remove a folder so that a part of it is never taken for the whole."""
    old = part_path(path.with_name(f"{path.name}.old"))
    with suppress(OSError):  # another process has removed it
        path.rename(old)
    remove(old)


def discard(run_id: str, results: Path) -> None:
    """Remove all checkpoints of a run, and the folder of all checkpoints if it is empty then.

    Args:
        run_id: Id of the run.
        results: Folder of its record.
    """
    folder = run_folder(run_id, results)
    _remove(folder)
    remove_abandoned(folder.parent)
    with suppress(OSError):
        folder.parent.rmdir()


def say_unwritten(run_id: str, why: object) -> None:
    """Say on stderr that a run goes on without a checkpoint."""
    print(f"da: no checkpoint of run {run_id}: {one_line(why)}", file=sys.stderr)
