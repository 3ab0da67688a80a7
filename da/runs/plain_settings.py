"""Settings of a run as plain data, which records store and ids are hashes of."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, fields
from functools import lru_cache
from typing import Any

from da.config.setting_names import first_names
from da.methods._settings import Settings


@lru_cache
def default_settings(
    kind: type[Any], hparams: type[Any], parts: tuple[type[Any], ...]
) -> dict[str, Any]:
    """Return the default of every setting of a run with a method; `task` has none.

    Args:
        kind: Class of the run.
        hparams: Class of the method's settings.
        parts: Classes of the further settings that a run holds.
    """
    defaults = {f.name: f.default for f in fields(kind) if f.default is not MISSING}
    return flatten_settings(defaults, hparams(), (part() for part in parts))


@lru_cache
def first_settings(
    kind: type[Any], hparams: type[Any], parts: tuple[type[Any], ...]
) -> dict[str, Any]:
    """Return the same as `default_settings`, with defaults of a method that have changed as first.

    Args:
        kind: Class of the run.
        hparams: Class of the method's settings.
        parts: Classes of the further settings that a run holds.
    """
    first = {f"hp.{name}": value for name, value in hparams.first_defaults.items()}
    kinds: Any = kind, hparams, parts
    return default_settings(*kinds) | first


def flatten_settings(own: dict[str, Any], method: Settings, parts: Iterable[Any]) -> dict[str, Any]:
    """Return all settings in one dictionary as JSON would read them back: lists for tuples.

    Args:
        own: Settings of the run itself, by name.
        method: Settings of the method, whose names get `hp.` before them.
        parts: Further settings that the run holds.
    """
    plain = own | {f"hp.{name}": value for name, value in vars(method).items()}
    for part in parts:
        plain |= vars(part)
    return {k: v if type(v) in (str, int, float, bool) else _copy(v) for k, v in plain.items()}


def hash_settings(
    settings: Mapping[str, Any], kind: type[Any], hparams: type[Any], parts: tuple[type[Any], ...]
) -> str:
    """Return the id of a run: a hash of its settings, by first names, that differ from defaults.

    Args:
        settings: All settings of the run.
        kind: Class of the run.
        hparams: Class of the method's settings.
        parts: Classes of the further settings that a run holds.
    """
    kinds: Any = kind, hparams, parts
    usual = first_settings(*kinds)
    own = {k: v for k, v in settings.items() if k == "method" or v != usual.get(k)}
    own = first_names(own)
    own = {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in own.items()}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:12]


def freeze_value(value: Any) -> Any:
    """Return a value that JSON read as a setting has it: tuples for lists."""
    return tuple(value) if isinstance(value, list) else value


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value, default=asdict)) if value != () else []
