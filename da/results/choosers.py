"""What chooses one evaluation of a pool: a score, or several together. Does not import torch.

`entropy+infomax` is the mean of two scores' ranks in the pool. With `+gate`, evaluations drop out
first whose source accuracy is below a share of the pool's best. The pool of a table is the
evaluations of a run. A further label column stands last: `entropy+gate/COLUMN`.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence

from da.config.registry import SELECTORS
from da.results.record_schema import LABELED, find_key

JOIN = "+"
"""Sign between the parts of a chooser's name."""

GATE = "gate"
"""Part of a name that drops evaluations with a low source accuracy."""

GATED_BY = "source_accuracy"
"""Score that the gate looks at."""

SHARE = 0.9
"""Share of the pool's best source accuracy that the gate asks for."""

ALONE = "last", *LABELED
"""Choosers that cannot be a part of another."""

Points = Sequence[Mapping[str, float]]
"""Evaluations of a pool."""


def list_scores(name: str) -> list[str]:
    """List the scores that a chooser looks at, each with its label column if the name has one."""
    head, slash, column = name.partition("/")
    parts = head.split(JOIN)
    scores = [GATED_BY if part == GATE else part for part in parts]
    return [f"{score}{slash}{column}" for score in dict.fromkeys(scores)]


def check_chooser(name: str, known: Collection[str]) -> None:
    """Check the name of a chooser.

    Args:
        name: Name of a score, or of several with a plus between and perhaps the gate.
        known: Choosers that are no combination: `last`, scores, those of label columns, `oracle`.

    Raises:
        ValueError: A part of it is unknown, or the parts do not go together.
    """
    head, _, _ = name.partition("/")
    parts = head.split(JOIN)
    for score in [name] if name in known else list_scores(name):
        if score not in known:
            raise ValueError(f"{_explain_unknown(score, name)}, known: {', '.join(known)}")
    if len(parts) > 1 and (alone := [part for part in parts if part in ALONE]):
        raise ValueError(f"{alone[0]} chooses alone, not as in {name!r}")
    if len({*parts}) < len(parts):
        raise ValueError(f"a part stands twice in {name!r}")
    if parts == [GATE]:
        raise ValueError(f"{name!r} needs a score to choose by, as in infomax{JOIN}{GATE}")


def _explain_unknown(score: str, name: str) -> str:
    """Return why a score cannot choose: it does not exist, or records lack it."""
    where = f" in {name!r}" if score != name else ""
    if score in SELECTORS:
        return f"records lack scores of {score!r}{where} (`da validate --save` scores kept outputs)"
    if score in LABELED:
        return f"records lack what {score!r}{where} chooses by, which takes target labels"
    return f"unknown selector {score!r}{where}"


def score_points(points: Points, name: str) -> list[float]:
    """Return what a chooser gives each evaluation of a pool; the highest is chosen.

    One score gives its value, minus infinity where it is missing. Several give the mean of their
    ranks among those that the gate lets pass, where a missing score ranks last. What does not pass
    has minus infinity.

    Args:
        points: Evaluations of the pool.
        name: Name of the chooser; `oracle` gives target accuracies, and `last` places.
    """
    if name == "last":
        return [float(place) for place in range(len(points))]
    head, slash, column = name.partition("/")
    *scores, last = head.split(JOIN)
    gated = last == GATE
    scores += [] if gated else [last]
    columns = [_values(points, f"{score}{slash}{column}") for score in scores]
    if len(scores) == 1 and not gated:
        return columns[0]
    passed = [True] * len(points)
    if gated:
        passed = _pass_gate(_values(points, f"{GATED_BY}{slash}{column}"))
    if len(scores) > 1:
        columns = [_ranks(values, passed) for values in columns]
    each = zip(passed, *columns, strict=True)
    return [sum(values) / len(scores) if passes else -math.inf for passes, *values in each]


def choose(points: Points, name: str) -> int:
    """Return the position of the evaluation that a chooser takes."""
    return find_best(score_points(points, name))


def find_best(values: Sequence[float]) -> int:
    """Return the position of the highest value; of equal ones, the latest."""
    return max(reversed(range(len(values))), key=values.__getitem__)


def _values(points: Points, score: str) -> list[float]:
    """Return a score of each evaluation, minus infinity where there is none."""
    key = find_key(score, {})
    found = (p.get(find_key(score, p) if "/" in score else key, -math.inf) for p in points)
    return [value if math.isfinite(value) else -math.inf for value in found]


def _pass_gate(values: Sequence[float]) -> list[bool]:
    """Return which source accuracies reach the share of the best one."""
    least = SHARE * max(values)
    return [value >= least for value in values]


def _ranks(values: Sequence[float], counted: Sequence[bool]) -> list[float]:
    """Return the rank of each value among those that count, equal ones their mean rank."""
    pairs = zip(values, counted, strict=True)
    order = sorted(value for value, counts in pairs if counts)
    return [(bisect_left(order, v) + bisect_right(order, v) + 1) / 2 for v in values]
