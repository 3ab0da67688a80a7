"""Weights that finished runs ended with, for runs that begin with them and for their use alone."""

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from da.config.validation import shorten_names
from da.data.transforms import Interpolation, Resize
from da.system.cache import cache_home, write_whole


@dataclass(frozen=True)
class NetworkInfo:
    """What a network must be told of, beside its weights, by those who have no data set."""

    origin: str
    """`Run.init`: where the weights of its backbone began."""
    classes: tuple[str, ...] = ()
    """Their names, in the order of its outputs."""
    resize: tuple[int, Interpolation, float] = astuple(Resize())
    """How images were brought to its input: the fields of a `Resize`."""
    stored_side: int = 0
    """Pixels of the benchmark's images."""
    settings: dict[str, Any] = field(default_factory=dict)
    """`Run.settings()`, by which the network is built."""


BEGINNINGS = "pretrained", "random"
"""What `Run.init` may be, beside the id of a finished run."""

_ABOUT = [f.name for f in fields(NetworkInfo)]


def weights_file(run_id: str) -> Path:
    """Where the weights of a finished run are kept, if they are."""
    return cache_home() / "weights" / f"{run_id}.pt"


def save_weights(run_id: str, state: Mapping[str, Tensor], about: NetworkInfo) -> None:
    """Keep the weights of a run."""
    with write_whole(weights_file(run_id)) as file:
        torch.save({**state, **asdict(about)}, file)


def weights_origin(init: str) -> str:
    """Where the backbone's weights come from: where `init` is a run that did not move them, but
    may have chosen `columns` of its features, those that it began with.
    """
    if init in BEGINNINGS or load_weights(init).keys() - {"columns"}:
        return init
    kept = _kept(init)
    return weights_origin(kept["origin"]) if "origin" in kept else init


def load_weights(run_id: str, part: str = "backbone") -> dict[str, Tensor]:
    """Weights of a `part` that a run ended with; ValueError where they were not kept."""
    weights = _kept(run_id).items()
    return {k.removeprefix(f"{part}."): v for k, v in weights if k.startswith(f"{part}.")}


def load_network_state(run_id: str) -> tuple[dict[str, Tensor], NetworkInfo]:
    """All weights that a run ended with, and what they are of.

    Raises ValueError where they were not kept, or by a version that did not say what they are of.
    """
    kept = _kept(run_id)
    if not set(_ABOUT) <= set(kept):
        raise ValueError(
            f"weights of run {run_id!r} are of an earlier version: remove {weights_file(run_id)} "
            "and train or sweep it with --keep"
        )
    about = NetworkInfo(**{name: kept.pop(name) for name in _ABOUT})
    return kept, about


def _kept(run_id: str) -> dict[str, Any]:
    file = weights_file(run_id)
    if not file.exists():
        known = shorten_names(f.stem for f in file.parent.glob("*.pt"))
        raise ValueError(
            f"no weights of run {run_id!r}: train or sweep it with --keep first, known: {known}"
        )
    return torch.load(file, weights_only=True, map_location="cpu", mmap=True)  # read as needed
