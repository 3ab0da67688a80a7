"""Settings at the ends of their types, drawn by hypothesis, and whether they make sense."""

import math
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

from hypothesis import strategies as st

from da.config.fine_tuning import FineTuning
from da.methods import METHODS, Network
from da.runs.run import PARTS, Run
from da.training.sweep import sweep_outcomes
from tests.conftest import begin_with
from tests.contracts.faults.outcomes import (
    FAILED,
    FAULT,
    REFUSED,
    RESULT,
    Outcome,
    describe,
    time_limit,
)

INTEGERS = [-(2**63), -2, -1, 0, 1, 2, 3, 7, 10**9, 2**31, 10**12, 2**62, 2**63, 2**64]
FLOATS = [-math.inf, -1.0, -0.0, 0.0, 5e-324, 1e-300, 1e-40, 1e-8, 0.5, 1.0 - 1e-9, 1.0, 1.5, 2.0]
FLOATS += [100.0, 9e18, 1e30, 1e38, 1.7e308, math.inf, math.nan]
WIDTHS = [(), (0,), (-1,), (1,), (4, 4), (10**9,), (2**63,)]
TRIPLES = [(), (0.5,), *((x,) * 3 for x in (-1.0, 0.0, 0.5, 1e30, math.inf, math.nan))]
BASIC = {"method", "task", "backbone", "init", "regime", "steps", "cuda_graph", *PARTS}
"""Fields of a run that are not drawn."""

ARITHMETIC = "DivergedError", "LinAlgError", "_LinAlgError", "OverflowError", "MemoryError"
FIRST = Run(
    METHODS["source_only"].Hparams(),
    "moons:0-20",
    backbone="mlp",
    init="random",
    regime="full",
    network=Network(neck=8, dropout=0),
    steps=4,
    batch=8,
)
"""The run that those of source-free and taught methods begin with."""


def values(kind: type, name: str) -> st.SearchStrategy[Any]:
    """Return values of a field: of its type, but from end to end."""
    default = next(f for f in fields(kind) if f.name == name)
    given = default.default_factory() if default.default is MISSING else default.default
    known = get_args(get_type_hints(kind)[name])
    if isinstance(given, bool):
        return st.booleans()
    if isinstance(given, int):
        loops = name.endswith(("steps", "iterations"))  # which may be many, but not in a test
        return st.sampled_from([n for n in INTEGERS if n < 10 or not loops])
    if isinstance(given, float):
        return st.one_of(st.sampled_from(FLOATS), st.floats())
    if isinstance(given, tuple):
        return st.sampled_from(WIDTHS if int in known else TRIPLES)
    return st.sampled_from([*[k for k in known if isinstance(k, str)], "", "nonsense"])


@st.composite
def changes(draw: Callable[..., Any], kind: type, most: int) -> dict[str, Any]:
    """Draw a few fields of a dataclass of settings, and their values."""
    names = [f.name for f in fields(kind) if f.name not in BASIC and f.name != "teacher"]
    chosen = draw(st.lists(st.sampled_from(names), max_size=most, unique=True)) if names else []
    return {name: draw(values(kind, name)) for name in chosen}


@st.composite
def settings_of_runs(
    draw: Callable[..., Any], methods: Sequence[str] = tuple(sorted(METHODS))
) -> dict[str, Any]:
    """Draw one of some methods, and fields of its own settings and of a run's."""
    method = draw(st.sampled_from(methods))
    hp = draw(changes(METHODS[method].Hparams, 3))
    sparse = draw(st.booleans())  # else nearly every run is refused for one of many settings
    run = draw(changes(Run, 1 if sparse else 0))
    parts = {"network": draw(changes(Network, 1)), "tuning": draw(changes(FineTuning, 1))}
    return {"method": method, "hp": hp, "run": run, **(parts if sparse else {})}


def build_run(drawn: dict[str, Any]) -> Run:
    """Build the run of two steps that has the drawn settings."""
    kind = METHODS[drawn["method"]]
    begun = begin_with(kind, FIRST.id)
    begun |= {"init": FIRST.id} if kind.frozen_only else {}
    own: dict[str, Any] = {
        "task": "moons:0" + ",9" * kind.takes_domains + "-20" + "+3shot" * kind.takes_shots,
        "init": begun.get("init", "random"),
        "regime": "frozen" if kind.frozen_only else "full",
        "steps": 2,
        "batch": 8,
        "eval_every": 2,
    }
    network = Network(**{"neck": 8, "dropout": 0, **drawn.get("network", {})})
    parts = {"network": network, "tuning": FineTuning(**drawn.get("tuning", {}))}
    method = replace(begun["method"], **drawn["hp"])
    return Run(method, backbone="mlp", **{**own, **parts, **drawn["run"]})


def senseless(drawn: dict[str, Any]) -> str:
    """Return a setting that no training can make sense of, or ''."""
    every = {k: v for part in drawn.values() if isinstance(part, dict) for k, v in part.items()}
    for name, value in every.items():
        numbers = value if isinstance(value, tuple) else (value,)
        floats = [number for number in numbers if isinstance(number, float)]
        share = "dropout" in name and not all(0 <= number < 1 for number in floats)
        scale = "temperature" in name and not all(number > 0 for number in floats)
        width = name in ("hidden", "head") and min(numbers, default=1) < 1
        if share or scale or width or not all(map(math.isfinite, floats)):
            return f"{name}={value}"
    return ""


def attempt(drawn: dict[str, Any]) -> Outcome:
    """Train with the drawn settings."""
    what = repr(drawn)
    try:
        with time_limit(20):
            (outcome,) = sweep_outcomes([build_run(drawn)], Path("results"), workers=1)
    except ValueError as error:
        return Outcome(what, REFUSED if "\n" not in str(error) else FAULT, str(error))
    except BaseException as error:
        return Outcome(what, FAULT, describe(error))
    if outcome.record is None:
        kind = outcome.error.partition(":")[0]
        known = {"ValueError": REFUSED} | dict.fromkeys(ARITHMETIC, FAILED)
        return Outcome(what, known.get(kind, FAULT), outcome.error)
    accuracy = outcome.record.curve[-1]["target_accuracy"]
    trained = Outcome(what, RESULT).unless(not 0 <= accuracy <= 100, f"accuracy {accuracy}")
    return trained.unless(bool(senseless(drawn)), f"trained with {senseless(drawn)}")


def carry_out(every: list[dict[str, Any]]) -> list[Outcome]:
    """Train with each of the drawn settings, in this process."""
    (first,) = sweep_outcomes([FIRST], Path("results"), workers=1, save_weights=True)
    assert first.record, first.error
    return [attempt(drawn) for drawn in every]
