"""Scores of selectors for predictions, and what each of them needs."""

import math
from collections.abc import Sequence

from da.config.plug_in_errors import PlugInError
from da.config.registry import SELECTORS
from da.config.selector_needs import read_needs
from da.evaluation.predictions import Predictions

FIELDS = {
    "logits": (),
    "source": (),
    "features": ("source_features", "target_features"),
    "discriminator": ("source_domain", "target_domain"),
    "views": ("target_views",),
    "mixtures": ("mixed_logits", "mixed_with"),
    "weights": ("head_weight",),
    "retraining": ("source_features", "target_features"),
    "runs": (),
}
"""Fields of `Predictions` that must be there, by what a selector says that it needs.

Those that need several runs have a function `score_pool(pool)`, which gives a score for each.
"""


def needs(name: str) -> tuple[str, ...]:
    """Return what a selector needs, as its file says, without importing it.

    Raises:
        PlugInError: It needs what is unknown.
    """
    found = read_needs(name)
    for need in found:
        if need not in FIELDS:
            known = ", ".join(FIELDS)
            raise PlugInError(f"{SELECTORS.find(name).file}: NEEDS has {need!r}, known: {known}")
    return found


def needs_runs(name: str) -> bool:
    """Return whether a selector compares several runs, so that one evaluation has no score."""
    return "runs" in needs(name)


def can_score(name: str, seen: Predictions) -> bool:
    """Return whether predictions have what a selector needs."""
    return all(getattr(seen, field) is not None for need in needs(name) for field in FIELDS[need])


def list_scorable(seen: Predictions) -> list[str]:
    """List the selectors that need nothing but these predictions."""
    return [name for name in SELECTORS if not needs_runs(name) and can_score(name, seen)]


def score_all(seen: Predictions) -> dict[str, float]:
    """Return the scores of all selectors that need nothing but these predictions.

    A score that is not finite is left out.

    Raises:
        PlugInError: A selector gives no number.
    """
    found = {name: score(name, seen) for name in list_scorable(seen)}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def score(name: str, seen: Predictions) -> float:
    """Return what a selector gives for predictions.

    Raises:
        PlugInError: It is no number.
    """
    return _checked(name, SELECTORS[name](seen), "score(predictions)")


def score_pool(name: str, pool: Sequence[Predictions]) -> list[float]:
    """Return what a selector of several runs gives for each of them.

    Args:
        name: Name of the selector.
        pool: Predictions of evaluations, for the same images.

    Raises:
        PlugInError: It does not give a number for each.
    """
    found = [_checked(name, value, "score_pool(pool)") for value in SELECTORS[name](pool)]
    if len(found) != len(pool):
        file = SELECTORS.find(name).file
        raise PlugInError(f"{file}: score_pool(pool) gives {len(found)} scores for {len(pool)}")
    return found


def _checked(name: str, value: object, how: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        file, kind = SELECTORS.find(name).file, type(value).__name__
        raise PlugInError(f"{file}: {how} has to give a float, not {kind}")
    return value
