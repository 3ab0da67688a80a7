"""Files of outputs: what selection sees at the evaluations of a run, one file beside its record.

A file is `outputs/ID.safetensors` in the folder of the records, with keys `STEP/FIELD`. Logits are
float32, all other numbers float16. Published outputs of several runs have keys `ID/STEP/FIELD`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Int
from safetensors import safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from da.config.validation import is_run_id
from da.evaluation.predictions import Predictions
from da.results.output_files import ABOUT, list_files, outputs_file
from da.results.records import CHOSEN_BY, Record
from da.system.cache import file_sha256, write_whole

Stored = dict[str, Tensor]
"""Outputs of an evaluation by the name of their field, as a file holds them."""

EXACT = "source_logits", "target_logits"
"""Fields that are stored as float32: accuracies and most scores depend on them alone."""


class OutputsError(ValueError):
    """Outputs that are missing, damaged or of another record; the message says what to do."""


class Target(NamedTuple):
    """Classes of a task's target test images, which selection must not see."""

    y: Int[Tensor, "m"]
    """Class of each image; -1 for all where they have no labels."""
    classes: tuple[str, ...]
    """Names of the classes."""


class KeptOutputs(Mapping[int, Predictions]):
    """Outputs of a run by step, each read from the file when it is asked for.

    Args:
        file: Open file.
        prefix: Beginning of the keys of the run.
    """

    def __init__(self, file: Any, prefix: str) -> None:
        self._file, self._prefix = file, prefix
        self._names: dict[int, list[str]] = {}
        every: list[str] = file.keys()
        for key in every:
            step, slash, name = key.removeprefix(prefix).partition("/")
            if key.startswith(prefix) and slash:
                self._names.setdefault(int(step), []).append(name)

    def __getitem__(self, step: int) -> Predictions:
        """Return the outputs of an evaluation."""
        found = {name: self._read(f"{step}/{name}") for name in self._names[step]}
        return unpack(found, self._read("source_y"))

    def __iter__(self) -> Iterator[int]:
        """Yield the steps whose outputs are there, in their order."""
        return iter(sorted(self._names))

    def __len__(self) -> int:
        """Return the number of evaluations whose outputs are there."""
        return len(self._names)

    def _read(self, name: str) -> Tensor:
        return self._file.get_tensor(self._prefix + name)


def pack(seen: Predictions) -> Stored:
    """Return outputs as a file holds them: rounded, without the classes of source images."""
    found = {f.name: getattr(seen, f.name) for f in fields(seen) if f.name != "source_y"}
    return {name: _round(name, x) for name, x in found.items() if x is not None}


def _round(name: str, x: Tensor) -> Tensor:
    if not x.is_floating_point():
        return x.to(torch.int32)
    if name in EXACT:
        return x.float().contiguous()
    most = torch.finfo(torch.float16).max
    return x.clamp(-most, most).half().contiguous()


def unpack(stored: Stored, source_y: Int[Tensor, "n"]) -> Predictions:
    """Return outputs that were packed, as new tensors in float32."""
    found = {k: x.float() if x.is_floating_point() else x.long() for k, x in stored.items()}
    own = {k: x.clone() if x is stored[k] else x for k, x in found.items()}
    return Predictions(source_y=source_y.long(), **own)


def save(
    run_id: str,
    kept: Mapping[int, Stored],
    source_y: Int[Tensor, "n"],
    target: Target,
    results: Path = Path("results"),
) -> str:
    """Write the outputs of a run, and return the SHA-256 of the file for its record.

    Args:
        run_id: Id of the run.
        kept: Packed outputs of evaluations, by step.
        source_y: Classes of source test images.
        target: Classes of target test images.
        results: Folder of the run's record.

    Raises:
        UnwritableError: If they cannot be written, for example because the disk is full.
    """
    each = {f"{step}/{name}": x for step, stored in kept.items() for name, x in stored.items()}
    labels = {"source_y": source_y.int(), "target_y": target.y.int()}
    about = {"run": run_id, "classes": target.classes}
    return write(each | labels, about, outputs_file(run_id, results))


def write(tensors: Stored, about: Mapping[str, Any], file: Path, chosen_by: str = CHOSEN_BY) -> str:
    """Write a file of outputs, whole or not at all, and return its SHA-256.

    Args:
        tensors: Tensors by key.
        about: What the file says of its runs.
        file: Where to write.
        chosen_by: Option by which the user says where `file` is.

    Raises:
        UnwritableError: If it cannot be written, for example because the disk is full.
    """
    own = {key: x.cpu().contiguous() for key, x in tensors.items()}
    content = to_bytes(own, {ABOUT: json.dumps(about)})
    with write_whole(file, chosen_by) as part:
        part.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def load(record: Record, results: Path = Path("results")) -> KeptOutputs:
    """Open the outputs of a run, by step; each evaluation is read when it is asked for.

    Args:
        record: Record of the run.
        results: Folder of the record.

    Raises:
        OutputsError: There are none, or they are damaged or of another record.
    """
    return KeptOutputs(*_open(record, results))


def load_target(record: Record, results: Path = Path("results")) -> Target:
    """Return the classes of the target test images whose outputs `load` gives.

    Args:
        record: Record of the run.
        results: Folder of the record.

    Raises:
        OutputsError: There are none, or they are damaged or of another record.
    """
    file, prefix = _open(record, results)
    about = json.loads(file.metadata()[ABOUT])
    classes = about["runs"][record.id]["classes"] if prefix else about["classes"]
    return Target(file.get_tensor(f"{prefix}target_y").long(), tuple(classes))


def _open(record: Record, results: Path) -> tuple[Any, str]:
    """Return the open file with the outputs of a record, and the beginning of their keys."""
    file = outputs_file(record.id, results)
    if not file.exists():
        if published := _find_published(record, results):
            return published, f"{record.id}/"
        raise OutputsError(
            f"no outputs of run {record.id} in {file.parent}: train or sweep it again with "
            "--outputs all"
        )
    with _explain_damage(file):
        stat = file.stat()
        state = file.absolute(), stat.st_size, stat.st_mtime_ns
        if state not in _DIGESTS:
            _DIGESTS[state] = file_sha256(file)
        if record.outputs != _DIGESTS[state]:
            raise OutputsError(
                f"{file} does not belong to the record of run {record.id}: remove it"
            )
        return safe_open(file, "pt"), ""


_DIGESTS: dict[tuple[Path, int, int], str] = {}
"""SHA-256 of files by path, size and time, as one of a large file takes long."""


def _find_published(record: Record, results: Path) -> Any:
    """Return the open file of published outputs that has those of a record, or None."""
    for name, file in list_files(results).items():
        if is_run_id(name):
            continue
        with _explain_damage(file):
            opened = safe_open(file, "pt")
            runs = json.loads(opened.metadata()[ABOUT])["runs"]
        if record.outputs and runs.get(record.id, {}).get("outputs") == record.outputs:
            return opened
    return None


@contextmanager
def _explain_damage(file: Path) -> Iterator[None]:
    """Turn any error in the block into one line about the file; safetensors raises all kinds."""
    try:
        yield
    except OutputsError:
        raise
    except Exception as error:
        raise OutputsError(f"{file} is damaged: remove or restore it") from error
