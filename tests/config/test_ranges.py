"""Ranges beside the fields that they are for."""

from dataclasses import dataclass, fields
from itertools import chain
from typing import Annotated, get_type_hints

import pytest

from da.config.ranges import Choice, IntRange, LogUniform, Uniform, find_range, format_value
from da.methods import METHODS
from da.runs.run import PARTS, Run

EVERY = [Run, *PARTS.values(), *(kind.Hparams for kind in METHODS.values())]
RANGED = [
    pytest.param(part, field, id=f"{part.__qualname__}.{field.name}")
    for part in EVERY
    for field in fields(part)
    if find_range(field)
]


@pytest.mark.parametrize(("part", "field"), RANGED)
def test_a_default_lies_in_its_range_and_so_does_its_grid(part, field):
    a_range = find_range(field)
    off = isinstance(a_range, LogUniform) and field.default == 0  # which no logarithm reaches
    assert off or field.default in a_range
    assert all(value in a_range for value in a_range.grid())
    assert len(set(a_range.grid())) == len(a_range.grid()) > 1


@pytest.mark.parametrize(("part", "field"), RANGED)
def test_whole_numbers_are_searched_where_the_field_takes_them_alone(part, field):
    if get_type_hints(part)[field.name] is int:
        assert all(isinstance(value, int) for value in find_range(field).grid())


@pytest.mark.parametrize("kind", METHODS.values(), ids=METHODS)
def test_what_every_researcher_searches_has_a_range(kind):
    usual = {"trade_off", "temperature", "threshold", "ridge", "dimensions"}
    without = {field.name for field in fields(kind.Hparams) if not find_range(field)}
    assert not usual & without


def test_no_setting_of_a_method_has_the_name_of_a_run_s():
    """A search calls both by their names alone."""
    own = set(chain(*((f.name for f in fields(kind.Hparams)) for kind in METHODS.values())))
    assert not own & {f.name for f in chain(fields(Run), *map(fields, PARTS.values()))}


@pytest.mark.parametrize(
    ("a_range", "points"),
    [
        (LogUniform(1e-4, 1e-1), [0.0001, 0.000562, 0.00316, 0.0178, 0.1]),
        (Uniform(0, 0.8), [0.0, 0.2, 0.4, 0.6, 0.8]),
        (IntRange(2, 4), [2, 3, 4]),
        (Choice("mean", "sum"), ["mean", "sum"]),
    ],
)
def test_points_of_a_grid(a_range, points):
    assert a_range.grid() == points


def test_what_lies_outside():
    assert 0 not in LogUniform(1e-4, 1)
    assert 1.1 not in Uniform(0, 1)
    assert 5 not in IntRange(2, 4)
    assert "max" not in Choice("mean", "sum")


def test_a_range_stands_in_the_annotation():
    @dataclass
    class Settings:
        strength: Annotated[float, "of what", Uniform(0, 1)] = 0.5
        other: float = 0.5

    strength, other = fields(Settings)
    assert find_range(strength) == Uniform(0, 1)
    assert find_range(other) is None


@pytest.mark.parametrize(("value", "typed"), [(0.0021378, 0.00214), (8, 8), ("sum", "sum")])
def test_floats_are_short_enough_to_type(value, typed):
    assert format_value(value) == typed
    assert type(format_value(value)) is type(value)
