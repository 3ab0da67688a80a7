"""Facts that are stored next to weights, so that a network can be used without its data set."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any, get_args

from da.config.choices import Interpolation
from da.config.setting_names import first_names
from da.config.validation import is_beginning, require_run_id
from da.data.transforms import Resize
from da.models.backbone import hash_weights
from da.statistics.expected_accuracy import Confidence


@dataclass(frozen=True)
class NetworkInfo:
    """Facts that are needed to use a network without its data set, in addition to its weights."""

    origin: str
    """Initial weights of the backbone, as in `Run.init`."""
    classes: tuple[str, ...] = ()
    """Names of the classes, in the order of the outputs."""
    resize: tuple[int, Interpolation, float] = Resize().stored
    """The `Resize` that turned images into the network's input; `settings` have its last field."""
    stored_side: int = 0
    """Pixels a side of the benchmark's images."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings from which the network is built, as in `Run.settings()`."""
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the classes of each further label column."""
    confidence: Confidence = ()
    """How sure the network is of held-out source images; none for weights of earlier versions."""


ABOUT = [f.name for f in fields(NetworkInfo)]
"""Facts that are stored next to weights."""

LATER = "columns", "confidence"
"""Facts that earlier versions did not store, and that no digest holds where they are empty."""

UNHASHED = ("confidence",)
"""Facts that no digest holds, since they are measured where weights are stored alone."""

REQUIRED = [name for name in ABOUT if name not in LATER]


def hash_network(state: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """Return the SHA-256 of all that is stored of a run.

    Args:
        state: Weights by name; what is no weight is left out.
        about: Facts that are needed to use the network, by name.
    """
    hashed = [name for name in ABOUT if name not in UNHASHED]
    facts = {name: about.get(name) for name in hashed if name in REQUIRED or about.get(name)}
    if facts["settings"]:
        facts["settings"] = first_names(facts["settings"])
    text = hash_weights(state) + json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def check_info(about: NetworkInfo) -> None:
    """Check facts that were read from a file.

    Raises:
        ValueError: They cannot be those of a run; other errors for values of another type.
    """
    side, interpolation, crop_pct = about.resize
    if not is_beginning(about.origin):
        require_run_id(about.origin)
    if not (
        isinstance(about.classes, tuple)
        and all(isinstance(name, str) for name in about.classes)
        and isinstance(about.settings, dict)
        and isinstance(about.columns, dict)
        and all(isinstance(names, tuple) for names in about.columns.values())
        and all(isfinite(odds) and 0 <= right <= 1 for odds, right in about.confidence)
        and min(side, about.stored_side) >= 0
        and interpolation in get_args(Interpolation)
        and 0 < crop_pct <= 1
    ):
        raise ValueError
