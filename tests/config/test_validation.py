"""Values that no setting can have."""

import math
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, get_type_hints

import pytest

from da.config.fine_tuning import FineTuning
from da.config.label_columns import LabelColumns
from da.config.label_shift import LabelShift
from da.config.limits import COUNT, SHARE, Limit
from da.config.optimization import Optimization
from da.config.ranges import find_range
from da.config.transforms import Transforms
from da.config.validation import limit_errors, refuse, require_run_id
from da.methods import METHODS, Network
from da.runs.run import Run

NUMBERS = int, float, tuple[int, ...], tuple[float, ...]
PARTS = [
    Run,
    Network,
    FineTuning,
    LabelColumns,
    LabelShift,
    Optimization,
    Transforms,
    *(kind.Hparams for kind in METHODS.values()),
]
NUMERIC = [
    pytest.param(part, field, id=f"{part.__qualname__} {field.name}")
    for part in PARTS
    for field in fields(part)
    if get_type_hints(part)[field.name] in NUMBERS
]


@dataclass
class Settings:
    share: Annotated[float, SHARE] = 0.5
    widths: Annotated[tuple[int, ...], COUNT] = (8,)
    slope: float = -1.0
    name: str = ""

    def __post_init__(self) -> None:
        refuse(limit_errors(self))


@pytest.mark.parametrize(("part", "field"), NUMERIC)
def test_every_number_has_a_limit_that_holds_its_default_and_its_range(part, field):
    (limit,) = (note for note in field.type.__metadata__ if isinstance(note, Limit))
    assert limit.allows(field.default)
    assert all(map(limit.allows, a_range.grid() if (a_range := find_range(field)) else []))


@pytest.mark.parametrize("kind", METHODS.values(), ids=METHODS)
def test_no_setting_of_a_method_takes_a_number_without_sense(kind):
    for name, hint in get_type_hints(kind.Hparams).items():
        whole, tuples = hint in (int, tuple[int, ...]), hint in NUMBERS[2:]
        wrong = (-1, 10**400) if whole else (-1.0, -math.inf, math.inf, math.nan)
        for value in wrong if hint in NUMBERS else ():
            given = (value,) if tuples else value
            with pytest.raises(ValueError, match=f"^wrong settings: .*{name} is .*, not .*$"):
                replace(kind.Hparams(), **{name: given})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"share": 2}, "share is at least 0 and below 1, not 2"),
        ({"share": "0.5"}, "share is at least 0 and below 1, not 0.5"),
        ({"share": None}, "share is at least 0 and below 1, not None"),
        ({"widths": (8, 0)}, r"each of widths is 1 or more, not \(8, 0\)"),
        ({"widths": (10**70,)}, r"each of widths is 1 or more, not \(10{55}..."),
        ({"slope": math.nan}, "slope is finite, not nan"),
        ({"slope": 10**400}, "slope is finite, not 10{56}..."),
    ],
)
def test_a_value_outside_its_limit_is_named(settings, said):
    with pytest.raises(ValueError, match=f"^wrong settings: {said}$"):
        Settings(**settings)


def test_values_at_the_limit_are_allowed():
    Settings(share=0, widths=(), slope=-1e308)


def test_ids_of_runs_are_12_hexadecimal_digits() -> None:
    """They name files, so anything else could name a file outside the folder of results."""
    assert require_run_id("0123456789ab") == "0123456789ab"


@pytest.mark.parametrize(
    "wrong",
    ["", "../../evil", "0123456789AB", "0123456789a", "0123456789abc", "0123456789ab\n", 7, None],
)
def test_other_ids_are_refused(wrong: Any) -> None:
    """The message is one short line, however long the id is."""
    with pytest.raises(ValueError, match="id of a run is 12 digits from 0 to f, not"):
        require_run_id(wrong)
    with pytest.raises(ValueError, match="xxx") as error:
        require_run_id("x" * 999)
    assert len(str(error.value)) < 100
