"""Options of `+stream` at the end of a task's name: in which order test images arrive."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

ORDERS = "listed", "shuffled", "sorted", "dirichlet"
SHIFTS = "continual", "reset", "gradual", "mixed"
KNOWN = "listed, shuffled, sorted, dirichlet0.1, continual, reset, gradual, mixed"
"""All options, as errors name them."""


@dataclass(frozen=True)
class StreamOptions:
    """How test images are ordered, and what happens where one domain ends and another begins."""

    order: str = "shuffled"
    """`listed` as the data set lists them, `shuffled`, `sorted` by class, or `dirichlet`."""
    delta: float | None = None
    """Parameter of `dirichlet`: the smaller, the more alike are classes that follow each other."""
    shifts: str = "continual"
    """`continual`, `reset` to the model of the beginning at each shift, `gradual` by severities, or
    `mixed` where there are no shifts.
    """

    @classmethod
    @lru_cache(maxsize=256)
    def parse(cls, text: str) -> "StreamOptions":
        """Read the options, which stand in any order with commas between them.

        Raises:
            ValueError: An option is unknown, or contradicts another.
        """
        found: dict[str, str | float] = {}
        for option in text.split(",") if text else ():
            word, delta = _split(option)
            key = "shifts" if word in SHIFTS else "order"
            if key in found:
                raise ValueError(f"options {found[key]} and {option} of +stream exclude each other")
            found[key] = word
            if delta is not None:
                found["delta"] = delta
        return cls(**found)  # type: ignore[arg-type]

    @property
    def needs_labels(self) -> bool:
        """Whether the order is by classes."""
        return self.order in ("sorted", "dirichlet")


def _split(option: str) -> tuple[str, float | None]:
    """Return the word of an option and its number.

    Raises:
        ValueError: There is no such option.
    """
    found = re.fullmatch(r"([a-z]+)(\d+(?:\.\d+)?)?", option)
    word, number = found.groups() if found else (option, None)
    delta = float(number) if number else None
    if word not in ORDERS + SHIFTS or (word == "dirichlet") != bool(delta):
        raise ValueError(f"unknown option {option!r} of +stream, known: {KNOWN}")
    return word, delta


def list_visits(options: StreamOptions, names: Sequence[str]) -> list[int]:
    """Return the places of domains in the order in which a stream visits them.

    In a gradual stream, domains whose names differ in a last digit alone are severities of one
    shift. Each shift goes up to the largest and down again, as 1, 2, 3, 4, 5, 4, 3, 2, 1.

    Args:
        options: Options of the stream.
        names: Names of the domains.

    Raises:
        ValueError: A gradual stream has a domain without a severity.
    """
    if options.shifts != "gradual":
        return list(range(len(names)))
    shifts: dict[str, list[tuple[str, int]]] = {}
    for place, name in enumerate(names):
        if not name[-1:].isdigit():
            raise ValueError(
                f"gradual in +stream, known: of domains with severities such as fog1, not {name!r}"
            )
        shifts.setdefault(name[:-1], []).append((name[-1], place))
    each = [[place for _, place in sorted(some)] for some in shifts.values()]
    return [place for some in each for place in some + some[-2::-1]]
