"""Storage for the weights of finished runs, to start other runs with or to use alone."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, fields
from pathlib import Path
from typing import Any
from unicodedata import normalize

import torch
from torch import Tensor

from da.config.validation import shorten_names
from da.data.transforms import Interpolation, Resize
from da.system.cache import cache_home, write_whole


@dataclass(frozen=True)
class NetworkInfo:
    """Facts that are needed to use a network without its data set, in addition to its weights."""

    origin: str
    """Initial weights of the backbone, as in `Run.init`."""
    classes: tuple[str, ...] = ()
    """Names of the classes, in the order of the outputs."""
    resize: tuple[int, Interpolation, float] = astuple(Resize())
    """Fields of the `Resize` that turned images into the network's input."""
    stored_side: int = 0
    """Pixels a side of the benchmark's images."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings from which the network is built, as in `Run.settings()`."""


BEGINNINGS = "pretrained", "random"
"""Values of `Run.init` other than the id of a finished run."""

_ABOUT = [f.name for f in fields(NetworkInfo)]


def weights_file(run_id: str) -> Path:
    """Return the file where the weights of a finished run are stored, if they are."""
    return cache_home() / "weights" / f"{run_id}.pt"


def save_weights(run_id: str, state: Mapping[str, Tensor], about: NetworkInfo) -> None:
    """Store the weights of a run.

    Args:
        run_id: Id of the run.
        state: Weights by name.
        about: Facts that are needed to use the network.
    """
    with write_whole(weights_file(run_id)) as file:
        torch.save({**state, **asdict(about)}, file)


def weights_origin(init: str) -> str:
    """Return the true origin of a backbone's weights, `init` or an earlier one.

    A run that did not train its backbone stores no weights of it, though perhaps the `columns` of
    its features that it selected. Such a run passes on the weights that it started with.
    """
    if init in BEGINNINGS or load_weights(init).keys() - {"columns"}:
        return init
    stored = _load_file(init)
    return weights_origin(stored["origin"]) if "origin" in stored else init


def load_weights(run_id: str, part: str = "backbone") -> dict[str, Tensor]:
    """Load the weights of a `part` of the network of a finished run.

    Raises:
        ValueError: Where the weights were not stored.
    """
    weights = _load_file(run_id).items()
    return {k.removeprefix(f"{part}."): v for k, v in weights if k.startswith(f"{part}.")}


def load_head(run_id: str, classes: Sequence[str]) -> dict[str, Tensor]:
    """Load the weights of the head of a finished run, with its outputs in the order of `classes`.

    Weights of an earlier version do not name their classes, and keep their order.

    Raises:
        ValueError: Where the weights were not stored, or are of other classes.
    """
    head = load_weights(run_id, "head")
    order = class_order(run_id, _load_file(run_id).get("classes") or classes, classes)
    last = [*head][-1].rpartition(".")[0] if head else ""  # a hidden layer may be as wide
    return {k: w[order] if k.rpartition(".")[0] == last else w for k, w in head.items()}


def class_order(run_id: str, theirs: Sequence[str], ours: Sequence[str]) -> list[int]:
    """Return the place of each class of `ours` among those of a finished run, by their names.

    Args:
        run_id: Id of the finished run, for the error.
        theirs: Names of its classes, in the order of its outputs.
        ours: Names of the classes that are wanted.

    Raises:
        ValueError: Where they are not the same names; one name has several forms in Unicode.
    """
    known, wanted = ([normalize("NFC", name) for name in names] for names in (theirs, ours))
    if sorted(known) != sorted(wanted):
        there, here = {*known} - {*wanted}, {*wanted} - {*known}
        raise ValueError(
            f"run {run_id!r} has the classes {shorten_names(known)}, this run "
            f"{shorten_names(wanted)}; only there: {shorten_names(there) if there else 'none'}, "
            f"only here: {shorten_names(here) if here else 'none'}"
        )
    return [known.index(name) for name in wanted]


def load_network_state(run_id: str) -> tuple[dict[str, Tensor], NetworkInfo]:
    """Load all weights of a finished run, with the facts that are needed to use them.

    Raises:
        ValueError: Where the weights were not stored, or were stored by an earlier version without
            those facts.
    """
    stored = _load_file(run_id)
    if not set(_ABOUT) <= set(stored):
        raise ValueError(
            f"weights of run {run_id!r} are of an earlier version: remove {weights_file(run_id)} "
            "and train or sweep it with --keep"
        )
    about = NetworkInfo(**{name: stored.pop(name) for name in _ABOUT})
    return stored, about


def _load_file(run_id: str) -> dict[str, Any]:
    file = weights_file(run_id)
    if not file.exists():
        known = shorten_names(f.stem for f in file.parent.glob("*.pt"))
        raise ValueError(
            f"no weights of run {run_id!r}: train or sweep it with --keep first, known: {known}"
        )
    return torch.load(file, weights_only=True, map_location="cpu", mmap=True)  # read as needed
