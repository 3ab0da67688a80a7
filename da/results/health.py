"""Signs of trouble in the curve of a run with their likely causes, and a page that shows them.

The measurements are those of `da.evaluation.diagnostics`. This module does not import torch.
"""

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from da.results.records import Point, Record
from da.results.run_labels import first_weights, title
from da.results.text_columns import align

Settings = Mapping[str, Any]

MOST = 0.6
"""Share of the target predictions above which one class has too many."""
MOST_OF_TWO = 0.75
"""The same where there are two classes, which share them unevenly by chance."""
CONSTANT = 1e-4
"""Deviation of a discriminator's probabilities below which its output counts as constant."""
APART = 0.995
"""Accuracy of a discriminator from which it counts as right for every image."""
FULL = 0.99
"""Share of the final strength of the reversed gradient from which it counts as full."""
WIDTH = 100
"""Width of a page, in characters."""


@dataclass(frozen=True)
class Symptom:
    """A sign of trouble in a run, described by the latest evaluation that shows it."""

    warning: str
    """Trouble in plain words."""
    cause: str
    """Likely cause in plain words."""
    steps: tuple[float, ...]
    """Steps of all evaluations that show the sign."""


def find_symptoms(curve: Sequence[Point], settings: Settings) -> list[Symptom]:
    """Find the signs of trouble in the evaluations of a run.

    Args:
        curve: Evaluations of the run, first to last.
        settings: Settings of the run, as `Run.settings()` gives them.
    """
    found = []
    for sign, cause in SIGNS:
        if shown := [point for point in curve if sign(point, settings)]:
            steps = tuple(point["step"] for point in shown)
            found.append(Symptom(sign(shown[-1], settings), cause(shown[-1], settings), steps))
    return found


def lasting_warnings(curve: Sequence[Point], settings: Settings) -> list[str]:
    """Return the warnings that the last evaluation gives."""
    return [s.warning for s in find_symptoms(curve, settings) if s.steps[-1] == curve[-1]["step"]]


def new_warnings(curve: Sequence[Point], settings: Settings) -> list[str]:
    """Return the warnings that the last evaluation is the first to give."""
    now = (curve[-1]["step"],)
    return [s.warning for s in find_symptoms(curve, settings) if s.steps == now]


def _same_of_all(point: Point, settings: Settings) -> str:
    if point.get("diagnosis/discriminator_spread", 1.0) >= CONSTANT:
        return ""
    return "discriminator constant: it says the same of every image"


def _why_same_of_all(point: Point, settings: Settings) -> str:
    if _by_chance(point):
        return (
            "features have shrunk to a point, for the classifier too: source accuracy is "
            f"{point['source_accuracy']:.0f} %; lower the learning rate or the adaptation's weight"
        )
    return (
        "it has died, as at a learning rate that is too high for it, or its loss never reaches it; "
        "that features are aligned is no cause, as it would still tell image from image"
    )


def _one_class(point: Point, settings: Settings) -> str:
    counts = _counts(point)
    most = MOST_OF_TWO if len(counts) == 2 else MOST
    if not counts or counts[0][1] <= most * sum(n for _, n in counts):
        return ""
    name, share = _largest(counts)
    return f"one class has most of the target predictions: {name} {share}"


def _why_one_class(point: Point, settings: Settings) -> str:
    if _by_chance(point):
        return (
            "the classifier knows no class of the source either, where its accuracy is "
            f"{point['source_accuracy']:.0f} %: too few steps, or a wrong learning rate"
        )
    if -point.get("entropy", -math.inf) < 0.1 * math.log(len(_counts(point))):
        return "predictions have become certain, and nothing keeps them diverse"
    if (ratio := point.get("diagnosis/gradient_ratio", 0.0)) > 10:
        return f"adaptation outweighs the task, its gradient being {ratio:.2g} times as large"
    return "the gap of the domains is still open; or the target does have so many of that class"


def _no_gradient(point: Point, settings: Settings) -> str:
    # At step 1 progress is 0, so a warm-up has not begun and a zero is no sign of trouble.
    if point.get("diagnosis/adaptation_gradient", 1.0) != 0 or point["step"] <= 1:
        return ""
    return "adaptation gradient exactly zero: features are learned from the task alone"


def _why_no_gradient(point: Point, settings: Settings) -> str:
    if settings.get("hp.trade_off") == 0:
        return "the setting trade_off, the weight of the adaptation, is 0"
    if point.get("diagnosis/lambda") == 0:
        return "lambda is 0: its warm-up has not begun"
    if _same_of_all(point, settings):
        return "a constant discriminator has no gradient to reverse"
    return (
        "the adaptation loss is a constant or cut off from the features; or its warm-up has not "
        "begun; or no target image passes its threshold"
    )


def _told_apart(point: Point, settings: Settings) -> str:
    strength, full = point.get("diagnosis/lambda"), settings.get("hp.trade_off", 1.0)
    adapts = strength is None and "diagnosis/adaptation_gradient" in point
    if point.get("diagnosis/discriminator_accuracy", 0.0) < APART or not (
        adapts or (strength and strength >= FULL * full)
    ):
        return ""
    return "discriminator right for every image at full strength: features are not aligned"


def _why_told_apart(point: Point, settings: Settings) -> str:
    if "diagnosis/adaptation_gradient" not in point:
        return "nothing below the discriminator is trained, so that features cannot change"
    if (ratio := point.get("diagnosis/gradient_ratio", 1.0)) < 0.1:
        return (
            f"adaptation is weak next to the task, its gradient being {ratio:.2g} times as large: "
            "raise the setting trade_off"
        )
    return (
        "the discriminator learns faster than the features can follow: train longer, raise the "
        "weight of the adaptation, or give the discriminator fewer units"
    )


SIGNS: Sequence[tuple[Callable[[Point, Settings], str], Callable[[Point, Settings], str]]] = (
    (_same_of_all, _why_same_of_all),
    (_told_apart, _why_told_apart),
    (_one_class, _why_one_class),
    (_no_gradient, _why_no_gradient),
)
"""Pairs of functions: the warning for an evaluation (empty for none), and its likely cause."""


def _by_chance(point: Point) -> bool:
    """Return whether the classifier is hardly better than chance on source images."""
    return point.get("source_accuracy", 100.0) * len(_counts(point)) <= 150


def _counts(point: Point) -> list[tuple[str, float]]:
    """Return how often each class is predicted, most frequent first; empty in older records."""
    counts = [(key.partition("/")[2], n) for key, n in point.items() if key[:10] == "predicted/"]
    return sorted(counts, key=lambda count: -count[1])


def _largest(counts: Sequence[tuple[str, float]]) -> tuple[str, str]:
    name, n = counts[0]
    return name, f"{n / (sum(n for _, n in counts) or 1):.0%}"


COLUMNS = {
    "step": ("step", ".0f", ""),
    "target_accuracy": ("target %", ".1f", ""),
    "source_accuracy": ("source %", ".1f", ""),
    "diagnosis/discriminator_accuracy": (
        "discriminator",
        ".2f",
        "share of a training batch whose domain it tells, 0.5 = confused",
    ),
    "diagnosis/lambda": ("lambda", ".2f", "strength of the reversed gradient"),
    "diagnosis/adaptation_gradient": (
        "gradient",
        ".2g",
        "norm of the adaptation losses' gradient at the neck's output",
    ),
    "diagnosis/gradient_ratio": ("ratio", ".2g", "that norm over the same of the task's loss"),
    "entropy": ("entropy", ".2f", "mean of target predictions, in nats"),
}
"""Head, number format and meaning of each column; evaluations may lack some of them."""


def render_page(record: Record) -> str:
    """Render a page on a run: its evaluations, last predictions, and warnings with their causes."""
    weights = first_weights(record)
    about = f"{title(record.settings)}, {record.id}" + (f", from {weights}" if weights else "")
    parts = [about, _table(record.curve), _legend(record.curve)]
    if not _counts(record.curve[-1]):
        return "\n\n".join([*parts, "This record is older than diagnosis: run it anew for more."])
    return "\n\n".join([*parts, _predictions(record.curve[-1]), _warnings(record)])


def _shown(curve: Sequence[Point]) -> list[str]:
    return [key for key in COLUMNS if any(key in point for point in curve)]


def _table(curve: Sequence[Point]) -> str:
    """Render one row per evaluation, with a blank for what it lacks."""
    keys = _shown(curve)
    rows = [[COLUMNS[key][0] for key in keys]]
    rows += [[_cell(point, key) for key in keys] for point in curve]
    if all(map(_counts, curve)):
        most = ["largest class", *(" ".join(_largest(_counts(point))) for point in curve)]
        rows = [[*row, cell] for row, cell in zip(rows, most, strict=True)]
    return "\n".join(align(rows))


def _cell(point: Point, key: str) -> str:
    value = point.get(key)
    if value is None:
        return ""
    # The stored score is minus the entropy, since the model with the highest score is chosen.
    return format(-value if key == "entropy" else value, COLUMNS[key][1])


def _legend(curve: Sequence[Point]) -> str:
    found = (COLUMNS[key] for key in _shown(curve))
    return "\n".join(f"{head}: {meaning}" for head, _, meaning in found if meaning)


def _predictions(point: Point) -> str:
    counts = _counts(point)
    each = ", ".join(f"{name} {n:.0f}" for name, n in counts if n)
    never = [name for name, n in counts if not n]
    rest = f"; never {', '.join(never)}" if never else ""
    return _filled(f"target predictions at step {point['step']:.0f}: {each}{rest}")


def _warnings(record: Record) -> str:
    found = find_symptoms(record.curve, record.settings)
    warnings = [_render_symptom(symptom, len(record.curve)) for symptom in found]
    return "\n\n".join(warnings) or "no warnings"


def _render_symptom(symptom: Symptom, evaluations: int) -> str:
    first = symptom.steps[0]
    times = f"{len(symptom.steps)} of {evaluations} evaluations"
    warning = _filled(f"warning: {symptom.warning} ({times}, first at step {first:.0f})")
    return f"{warning}\n{_filled(f'likely cause: {symptom.cause}')}"


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent="    ", break_on_hyphens=False)
