"""Weights that finished runs ended with, for runs that begin with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from da.home import home, whole

_ORIGIN, _SETTINGS = "origin", "settings"


def weights_file(run_id: str) -> Path:
    """Where the weights of a finished run are kept, if they are."""
    return home() / "weights" / f"{run_id}.pt"


def save(
    run_id: str, state: Mapping[str, Tensor], *, origin: str, settings: Mapping[str, Any]
) -> None:
    """Keep the weights of a run; `origin` is its `Run.init`, where those of its backbone began.

    Its `settings` tell what they are the weights of.
    """
    with whole(weights_file(run_id)) as file:
        torch.save({**state, _ORIGIN: origin, _SETTINGS: dict(settings)}, file)


def origin(init: str) -> str:
    """Where the backbone's weights come from: where `init` is a run that did not move them, but
    may have chosen `columns` of its features, those that it began with.
    """
    if init in ("pretrained", "random") or run_weights(init).keys() - {"columns"}:
        return init
    kept = _kept(init)
    return origin(kept[_ORIGIN]) if _ORIGIN in kept else init


def run_settings(run_id: str) -> dict[str, Any]:
    """`Run.settings()` of a run; ValueError where its weights were not kept, or without these."""
    kept = _kept(run_id)
    if _SETTINGS not in kept:
        file = weights_file(run_id)
        raise ValueError(
            f"{file} is of an earlier version: remove it and sweep the run with --keep"
        )
    return kept[_SETTINGS]


def run_state(run_id: str) -> dict[str, Tensor]:
    """All weights that a run ended with; ValueError where they were not kept."""
    return {k: v for k, v in _kept(run_id).items() if k not in (_ORIGIN, _SETTINGS)}


def run_weights(run_id: str, part: str = "backbone") -> dict[str, Tensor]:
    """Weights of a `part` that a run ended with; ValueError where they were not kept."""
    weights = _kept(run_id).items()
    return {k.removeprefix(f"{part}."): v for k, v in weights if k.startswith(f"{part}.")}


def _kept(run_id: str) -> dict[str, Any]:
    file = weights_file(run_id)
    if not file.exists():
        raise ValueError(
            f"no weights of run {run_id!r}: sweep it with --keep first, known: {_known_runs()}"
        )
    return torch.load(file, weights_only=True, map_location="cpu", mmap=True)  # read as needed


def _known_runs() -> str:
    return ", ".join(sorted(f.stem for f in weights_file("").parent.glob("*.pt"))) or "none yet"
