"""Storage for the weights of finished runs, to start other runs with or to use alone."""

import shutil
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from da.config.setting_names import current_names
from da.config.validation import is_beginning, require_run_id, shorten_names
from da.models.network_info import ABOUT, REQUIRED, NetworkInfo, check_info, hash_network
from da.results import records
from da.system.cache import UnwritableError, cache_home, write_whole

TRAINED = "backbone.", "neck.", "head.", "column_heads."
"""Beginnings of the names of weights, which are finite."""


class WeightsError(ValueError):
    """Raised where weights are missing, damaged or of another run; the message says what to do."""


def weights_file(run_id: str, results: Path = Path("results")) -> Path:
    """Return the file where the weights of a finished run are stored, if they are.

    Args:
        run_id: Id of the run.
        results: Folder of its record.

    Raises:
        ValueError: Where `run_id` is no id, which could name another file.
    """
    return results / "weights" / f"{require_run_id(run_id)}.pt"


def check_room(run_id: str, state: Mapping[str, Tensor], results: Path = Path("results")) -> None:
    """Check, before a run trains, that its weights can be stored.

    Args:
        run_id: Id of the run.
        state: Weights by name, as large as they will be.
        results: Folder of its record.

    Raises:
        UnwritableError: Where files cannot be written, or the disk is too full.
    """
    file = weights_file(run_id, results)
    records.make_folder(file.parent)
    needed, free = sum(x.nbytes for x in state.values()), shutil.disk_usage(file.parent).free
    if free < needed:
        raise UnwritableError(
            f"cannot write {file}: it needs {needed / 1e6:.1f} MB, {free / 1e6:.1f} MB are free; "
            f"make room there or point {records.CHOSEN_BY} elsewhere"
        )


def save_weights(
    run_id: str, state: Mapping[str, Tensor], about: NetworkInfo, results: Path = Path("results")
) -> None:
    """Store the weights of a run.

    Args:
        run_id: Id of the run.
        state: Weights by name.
        about: Facts that are needed to use the network.
        results: Folder of its record.

    Raises:
        UnwritableError: If they cannot be written, for example because the disk is full.
    """
    with write_whole(weights_file(run_id, results), records.CHOSEN_BY) as part:
        try:
            with part.open("wb") as file:
                torch.save({**state, **asdict(about), "run": run_id}, file)
        except RuntimeError as error:  # torch tells of bytes, after what the disk said
            raise error.__context__ if isinstance(error.__context__, OSError) else error from None


def weights_origin(init: str, results: Path = Path("results")) -> str:
    """Return the true origin of a backbone's weights, `init` or an earlier one.

    A run that did not train its backbone stores no weights of it, though perhaps the `columns` of
    its features that it selected. Such a run passes on the weights that it started with.

    Args:
        init: Origin as in `Run.init`.
        results: Folder of the records.

    Raises:
        ValueError: Where weights are missing or damaged, or begin with themselves.
    """
    passed: set[str] = set()
    while not is_beginning(init):
        stored = _load_file(init, results)
        own = {name for name in stored if name.startswith("backbone.")} - {"backbone.columns"}
        if own or "origin" not in stored:
            break
        if stored["origin"] in passed | {init}:
            raise wrong_weights(init, results, "begins with itself")
        passed.add(init)
        init = stored["origin"]
    return init


def load_weights(
    run_id: str, part: str = "backbone", results: Path = Path("results")
) -> dict[str, Tensor]:
    """Load the weights of a `part` of the network of a finished run.

    Args:
        run_id: Id of the run.
        part: Name of the part: backbone, neck or head.
        results: Folder of the run's record.

    Raises:
        ValueError: Where the weights were not stored, are damaged, or are not those of the record.
    """
    weights = _load_file(run_id, results).items()
    return {k.removeprefix(f"{part}."): v for k, v in weights if k.startswith(f"{part}.")}


def load_classes(run_id: str, results: Path = Path("results")) -> tuple[str, ...]:
    """Load the names of the classes of a finished run; none where an earlier version stored it.

    Args:
        run_id: Id of the run.
        results: Folder of the run's record.
    """
    return _load_file(run_id, results).get("classes", ())


def load_columns(run_id: str, results: Path = Path("results")) -> dict[str, tuple[str, ...]]:
    """Load the names of a finished run's further label columns, each with its classes.

    Args:
        run_id: Id of the run.
        results: Folder of the run's record.
    """
    return _load_file(run_id, results).get("columns", {})


def load_network_state(
    run_id: str, results: Path = Path("results")
) -> tuple[dict[str, Tensor], NetworkInfo]:
    """Load all weights of a finished run, with the facts that are needed to use them.

    Args:
        run_id: Id of the run.
        results: Folder of its record.

    Raises:
        ValueError: Where the weights were not stored, are damaged or are not those of the record,
            or were stored by an earlier version without those facts.
    """
    stored = _load_file(run_id, results)
    if not set(REQUIRED) <= set(stored):
        raise wrong_weights(run_id, results, "is of an earlier version")
    about = NetworkInfo(**{name: stored.pop(name) for name in ABOUT if name in stored})
    return stored, about


def wrong_weights(run_id: str, results: Path, reason: str) -> WeightsError:
    """Return the error that a file of weights cannot be used, and what to do."""
    file = weights_file(run_id, results)
    again = "remove it and train or sweep the run again with --save-weights"
    return WeightsError(f"{file} {reason}: {again}")


def restore_weights(network: nn.Module, run_id: str, state: Mapping[str, Tensor]) -> None:
    """Load weights of a run into `network`.

    Raises:
        ValueError: Where they are of another network.
    """
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(f"weights of run {run_id!r} are of another network") from error


def _load_file(run_id: str, results: Path) -> dict[str, Any]:
    """Return all that is stored of a run, after checks; tensors are read when they are needed."""
    file = weights_file(run_id, results)
    if not file.exists():
        raise WeightsError(_describe_missing(run_id, file))
    with _explain_damage(run_id, results):
        stored = torch.load(file, weights_only=True, map_location="cpu", mmap=True)
        stat = file.stat()
        state = file.absolute(), stat.st_size, stat.st_mtime_ns
    if state not in _CHECKED:
        record = records.get(run_id, results)
        with _explain_damage(run_id, results):
            _check(stored, run_id, results, record)
        _CHECKED.add(state)
    stored.pop("run", None)
    return stored


_CHECKED: set[tuple[Path, int, int]] = set()
"""Path, size and time of files whose content was checked, which takes long for large ones."""


def _check(
    stored: dict[str, Any], run_id: str, results: Path, record: records.Record | None
) -> None:
    """Check that what is stored is whole, and of this run and its record."""
    if stored.get("run", run_id) != run_id:
        raise wrong_weights(run_id, results, "is of another run")
    for name, weight in stored.items():  # others may be unknown numbers, as predictions to come
        if (
            name.startswith(("backbone.", "neck.", "head.", "column_heads."))
            and not weight.isfinite().all()
        ):
            raise wrong_weights(run_id, results, f"holds numbers that are not finite, in {name}")
    if set(REQUIRED) <= set(stored):
        check_info(NetworkInfo(**{name: stored[name] for name in ABOUT if name in stored}))
    if record and record.weights:
        own = record.weights == hash_network(stored, stored)
    else:  # an earlier version stored no digest
        if zipfile.ZipFile(weights_file(run_id, results)).testzip():
            raise ValueError
        theirs = current_names(stored.get("settings", {}))
        own = not record or {**record.settings, **theirs} == {**theirs, **record.settings}
    if not own:
        raise wrong_weights(run_id, results, "does not belong to the record of the run")


@contextmanager
def _explain_damage(run_id: str, results: Path) -> Iterator[None]:
    """Turn any error in the block into one line about the file; torch raises all kinds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except WeightsError:
        raise
    except (PermissionError, IsADirectoryError) as error:
        reason = f"cannot be read ({error.strerror})"
        raise wrong_weights(run_id, results, reason) from error
    except Exception as error:
        raise wrong_weights(run_id, results, "is damaged") from error


def time_of_weights(run_id: str, results: Path = Path("results")) -> int:
    """Return when the weights of a run were stored, in nanoseconds; 0 where they are not."""
    file = weights_file(run_id, results)
    return file.stat().st_mtime_ns if file.exists() else 0


def _describe_missing(run_id: str, file: Path) -> str:
    text, old = f"no weights of run {run_id!r} in {file.parent}: ", cache_home() / "weights"
    if (old / file.name).exists():
        text += f"move {old / file.name} of an earlier version there if it is this project's, or "
    known = shorten_names(other.stem for other in file.parent.glob("*.pt"))
    return f"{text}train or sweep it with --save-weights first, known: {known}"
