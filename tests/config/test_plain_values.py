"""Settings of equal values are the same settings, whatever types these came in."""

import copy
from fractions import Fraction

import numpy as np
import pytest
import torch

from da.methods import METHODS, Network
from da.runs.run import Run

DANN = METHODS["dann"].Hparams
RUN = Run(DANN(trade_off=0.5, hidden=(8,)), "moons:0-20", seed=3, network=Network(neck=128))


def with_values(part, **values):
    """A copy with other values, which annotations do not stop as they do in tests alone."""
    other = copy.copy(part)
    for name, value in values.items():
        object.__setattr__(other, name, value)
    return other


def made(**settings) -> Run:
    run = with_values(RUN, **settings)
    run.__post_init__()
    return run


@pytest.mark.parametrize(
    "run",
    [
        lambda: made(seed=np.int64(3)),
        lambda: made(seed=3.0),
        lambda: made(seed=np.float32(3)),
        lambda: made(task=np.str_("moons:0-20")),
        lambda: made(unit_features=np.False_),
        lambda: made(lr=np.float64(1e-3)),
        lambda: made(lr=Fraction(1, 1000)),
        lambda: made(
            method=with_values(RUN.method, trade_off=np.float32(0.5), hidden=[np.int32(8)])
        ),
        lambda: made(network=with_values(RUN.network, neck=np.uint8(128))),
        lambda: made(mean=[], tuning=with_values(RUN.tuning, warmup=0.0)),
    ],
)
def test_equal_values_of_other_types_are_made_plain(run):
    other = run()
    assert other == RUN
    assert repr(other) == repr(RUN)
    assert other.id == RUN.id
    assert other.settings() == RUN.settings()
    assert {other: 1}[RUN] == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"lr": torch.tensor(0.1)}, r"lr is a number, not tensor\(0.1000\)"),
        ({"lr": "0.1"}, "lr is a number, not '0.1'"),
        ({"lr": True}, "lr is a number, not True"),
        ({"lr": None}, "lr is a number, not None"),
        ({"lr": 1j}, "lr is a number, not 1j"),
        ({"steps": "5"}, "steps is a whole number, not '5'"),
        ({"steps": True}, "steps is a whole number, not True"),
        ({"steps": 0.5}, "steps is a whole number, not 0.5"),
        ({"seed": float("inf")}, "seed is a whole number, not inf"),
        ({"seed": float("nan")}, "seed is a whole number, not nan"),
        ({"unit_features": 1}, "unit_features is True or False, not 1"),
        ({"unit_features": "no"}, "unit_features is True or False, not 'no'"),
        ({"task": 5}, "task is text, not 5"),
        ({"regime": 5}, "regime is text, not 5"),
        ({"mean": 0.5}, "mean is a tuple, each entry a number, not 0.5"),
        ({"mean": ("a", "b", "c")}, "mean is a tuple, each entry a number, not "),
        ({"mean": np.zeros(3)}, "mean is a tuple, each entry a number, not array"),
        ({"method": "dann"}, "method is such as da.methods.DANN\\(\\), not 'dann'"),
        ({"method": METHODS["dann"]}, "method is such as da.methods.DANN\\(\\), not <class "),
        ({"network": None}, "network is such as da.Network\\(\\), not None"),
        ({"method": with_values(RUN.method, hidden_norm=1)}, "hidden_norm is True or False, not 1"),
        ({"tuning": with_values(RUN.tuning, warmup=True)}, "warmup is a whole number, not True"),
    ],
)
def test_values_of_the_wrong_type_are_named(settings, said):
    with pytest.raises(ValueError, match=f"^wrong settings: {said}"):
        made(**settings)
