"""The form of a record: what it must hold to be one. This module does not import torch."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from da.config.label_columns import MEAN
from da.config.setting_names import current_names
from da.config.validation import is_run_id

OPTIONAL = "images_per_second", "peak_memory", "environment", "made_from", "weights", "outputs"
"""Fields that a record may lack; those of later versions are ignored."""

MARKS = "target_accuracy", "metric", "class", "confusion", "domain", "group"
"""First parts of the keys in an evaluation that target labels were looked at for."""

MOST = 100
"""Characters of a wrong value that a message shows."""


class DamagedError(ValueError):
    """A file, or a line of a bundle, that is no record of its run; the message names it."""


def parse_record(content: bytes | str, id: str) -> dict[str, Any]:
    """Parse and check a record, and return its fields, settings by their names of now.

    Args:
        content: JSON of the record.
        id: Id of the run that the record must be of, as the name of its file says.

    Raises:
        ValueError: It is no record; the error says why.
    """
    try:
        text = content.decode() if isinstance(content, bytes) else content
        fields = json.loads(text)
        if "\\ud" in text:  # perhaps half of a character that needs two, which nothing can print
            json.dumps(fields, ensure_ascii=False).encode()
        return _checked(fields, id)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except OverflowError:
        raise ValueError("it has a number that is too large") from None


def _checked(fields: Any, id: str) -> dict[str, Any]:
    if not isinstance(fields, dict):
        raise ValueError("it is not a JSON object")
    known = {name: fields[name] for name in CHECKS if name in fields}
    for name, right in CHECKS.items():
        if name not in known:
            if name not in OPTIONAL:
                raise ValueError(f"it has no {name}")
        elif not right(known[name]):
            raise ValueError(f"{name} is {_show(known[name])}")
    if known["id"] != id:
        raise ValueError(f"it is of run {known['id']}, and named {_show(id)}")
    _check_settings(known["settings"])
    known["settings"] = current_names(known["settings"])
    _check_curve(known["curve"])
    return known


def find_key(chosen_by: str, point: Mapping[str, float]) -> str:
    """Return the key of an evaluation whose highest value a selector chooses.

    The mean over the label columns of a run that learns one is that one's.

    Args:
        chosen_by: `oracle` or the name of a score, perhaps with `/COLUMN` or `/mean` after it.
        point: An evaluation of the run.
    """
    name, slash, column = chosen_by.partition("/")
    name = "target_accuracy" if name == "oracle" else name
    key = f"{name}{slash}{column}"
    return name if column == MEAN and key not in point else key


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_amount(value: Any) -> bool:
    return _is_number(value) and value >= 0 and math.isfinite(value)


def _is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


CHECKS: dict[str, Callable[[Any], bool]] = {
    "id": is_run_id,
    "settings": lambda value: isinstance(value, dict),
    "curve": lambda value: isinstance(value, list),
    "seconds": _is_amount,
    "images_per_second": _is_amount,
    "peak_memory": _is_amount,
    "environment": _is_texts,
    "made_from": lambda value: isinstance(value, dict),
    "weights": lambda value: isinstance(value, str),
    "outputs": lambda value: isinstance(value, str),
}
"""Fields of a record, each with a function that says whether a value can be its value."""


def _check_settings(settings: dict[str, Any]) -> None:
    for name, kind in (("method", str), ("task", str), ("seed", int), ("side", int)):
        value = settings.get(name, 0 if kind is int else None)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"{name} of settings is {_show(value)}")


def _check_curve(curve: list[Any]) -> None:
    if not curve:
        raise ValueError("curve is empty")
    before = -1.0
    for point in curve:
        if not isinstance(point, dict):
            raise ValueError(f"an evaluation is {_show(point)}")
        _check_point(point)
        if point["step"] <= before:
            raise ValueError(f"step {_show(point['step'])} follows step {_show(before)}")
        before = point["step"]


def _check_point(point: dict[str, Any]) -> None:
    """Check that an evaluation holds numbers; losses and diagnoses alone may be infinite or NaN."""
    plain = {*map(type, point.values())} <= {int, float} and math.isfinite(sum(point.values()))
    for name, value in () if plain else point.items():
        if not _is_number(value) or not (math.isfinite(value) or "/" in name):
            raise ValueError(f"{_show(name)} of an evaluation is {_show(value)}")
    most_of = {"step": math.inf, "target_accuracy": 100}
    if "target_accuracy" not in point and any("/" not in name for name in point.keys() - {"step"}):
        del most_of["target_accuracy"]  # a target without labels has none, but it has scores
    for name, most in most_of.items():
        if not 0 <= point.get(name, -1) <= most:
            raise ValueError(f"{name} of an evaluation is {_show(point.get(name))}")


def _show(value: Any) -> str:
    """Return a value as JSON, shortened."""
    text = json.dumps(value)
    return text if len(text) <= MOST else f"{text[:MOST]}..."
