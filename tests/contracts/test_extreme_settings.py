"""400 runs with settings at the edges of what numbers can be: a record, or one line."""

import random
from dataclasses import fields, replace
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from da.methods import METHODS, Method, Network
from da.runs.run import Run
from da.training.train import train
from tests.conftest import skip_without

FLOATS = 0.0, 1.0, 5e-324, 1e-40, 1e-8, 0.5, 0.999999999, 100.0, 1e30, 1e38, 1e300, 1.7e308
WHOLES = 0, 1, 2, 3, 7, 100, 1000, 10**12, 2**31 * 10**4, 2**62
FIRST = Run(
    METHODS["source_only"].Hparams(),
    "moons:0-40",
    backbone="mlp",
    init="random",
    regime="full",
    network=Network(neck=8),
    steps=2,
    batch=8,
    look_every=1,
)
OF_RUN = "batch", "lr", "backbone_lr", "momentum", "weight_decay", "optimizer", "precision", "seed"
TAKES_LONG = "backbone_steps", "critic_steps"
"""Settings that, like steps, may ask for years."""


def draw(rng: random.Random, hint: Any, default: Any) -> Any:
    if hint in (float, int):
        return rng.choice(FLOATS if hint is float else WHOLES)
    if hint == tuple[int, ...]:
        return tuple(rng.choices(WHOLES, k=rng.randrange(3)))
    return rng.choice(get_args(hint)) if get_origin(hint) else default


def extreme(rng: random.Random, part: Any, names: tuple[str, ...], share: float) -> dict[str, Any]:
    """Some of the settings `names` of `part`, with values drawn at the edges."""
    hints = get_type_hints(type(part))
    some = [name for name in names if rng.random() < share and name not in TAKES_LONG]
    return {name: draw(rng, hints[name], getattr(part, name)) for name in some}


def outcome(kind: type[Method], rng: random.Random, begun: dict[str, Any]) -> str:
    own = tuple(field.name for field in fields(kind.Hparams))
    try:
        run = replace(
            FIRST,
            method=kind.Hparams(**extreme(rng, kind.Hparams(), own, 0.5)),
            **begun,
            **extreme(rng, FIRST, OF_RUN, 0.1),
        )
        train(run, device="cpu", quiet=True)
    except (ValueError, ArithmeticError, MemoryError) as error:
        return str(error)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("kind", METHODS.values(), ids=METHODS)
def test_extreme_settings_make_a_record_or_a_line(kind):
    skip_without(kind.needs)
    train(FIRST, device="cpu", keep=True, quiet=True)
    begun = {"init": FIRST.id} if kind.source_free or kind.taught or kind.frozen_only else {}
    begun |= {"regime": "frozen"} if kind.frozen_only else {}
    begun |= {"task": f"{FIRST.task}+1shot"} if kind.takes_shots else {}
    for seed in range(10):
        assert "\n" not in outcome(kind, random.Random(f"{kind.name} {seed}"), begun).strip()
