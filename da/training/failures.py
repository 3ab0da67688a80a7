"""Errors while a run computes: those of libraries in one line, those of the user as they are."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
import torch

from da.config.plug_in_errors import explain_plug_in
from da.results.records import Point
from da.runs.run import Run
from da.training.engine import DivergedError

P = ParamSpec("P")
R = TypeVar("R")

OnEvaluation = Callable[[Point], None]
"""Function that gets each evaluation as it is made."""

MEMORY = "out of memory", "enough memory", "allocate memory", "ALLOC_FAILED"
TOO_LARGE = "Storage size calculation overflowed", "Overflow when unpacking long"
"""Parts of the messages with which PyTorch says that a tensor is too large."""
NUMERICAL = torch.linalg.LinAlgError, np.linalg.LinAlgError, OverflowError, ZeroDivisionError
NOT_FINITE = "contains NaN", "contains infinity", "infs or NaNs", "without overflow"
"""Parts of the messages with which libraries refuse numbers that are not finite."""
TOO_FEW = "Expected more than 1 value per channel"


def explain_failures(
    function: Callable[Concatenate[Run, P], R],
) -> Callable[Concatenate[Run, P], R]:
    """Return `function`, of a run, with errors that its settings explain in one line.

    MemoryError says what to lower, and DivergedError that numbers are not finite. An error of a
    plug-in has its file and line.
    """

    @wraps(function)
    def explained(run: Run, *given: P.args, **named: P.kwargs) -> R:
        try:
            return function(run, *given, **named)
        except (Exception, SystemExit) as error:
            if getattr(error, "is_of_user", False):
                raise
            if (cause := _explain(run, error) or explain_plug_in(error)) is None:
                raise
            raise cause from error

    return explained


def pass_errors_on(function: OnEvaluation | None) -> OnEvaluation:
    """Return a user's function whose errors `explain_failures` leaves as they are.

    It gets a copy of each evaluation, and random numbers that it draws are not those of training,
    so that it cannot change the record.
    """

    def told(point: Point) -> None:
        try:
            if function is not None:
                cards = range(torch.cuda.device_count() if torch.cuda.is_initialized() else 0)
                with torch.random.fork_rng(devices=cards):
                    function(dict(point))
        except BaseException as error:
            error.is_of_user = True  # type: ignore[attr-defined]
            raise

    return told


def _explain(run: Run, error: BaseException) -> Exception | None:
    """Return an error that says what `error` is about in terms of the run; None if unknown."""
    said, name = str(error), run.method.owner.name
    place = str(explain_plug_in(error) or said)
    if isinstance(error, MemoryError) or any(part in said for part in MEMORY + TOO_LARGE):
        widths = "or the widths of neck, head and hidden layers"
        return MemoryError(f"{name} is out of memory: lower batch, side, {widths}")
    if isinstance(error, NUMERICAL) or any(part in said for part in NOT_FINITE):
        return DivergedError(f"numbers of {name} grow too large or too small: {_first_line(place)}")
    if TOO_FEW in said:
        return ValueError(
            f"batch norm needs two images or more at once, and {name} has one: known: batch 2 or "
            "more with as many images, or a network without batch norm"
        )
    if run.deterministic and "deterministic" in said:
        return ValueError(f"{name} cannot be deterministic here: {_first_line(said)}")
    return None


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
