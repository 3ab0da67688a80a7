"""Recipes of SHOT, NRC and AaD, beside numbers typed from their authors' code."""

from typing import Any

import pytest

from da.runs.recipes import RECIPES, first_run, run
from tests.runs.printed.differences import differences

CODE: dict[str, Any] = {
    **{"backbone": "resnet50", "regime": "full", "side": 224, "augment": "random_crop_flip"},
    **{"neck": 256, "neck_relu": False, "dropout": 0.0, "head_weight_norm": True, "batch": 64},
    **{"optimizer": "sgd", "nesterov": True, "backbone_lr": 0.1, "hold_out": False},
}
ANNEALED = CODE | {
    **{"schedule": "annealing", "anneal_first": 1, "weight_decay": 0.001, "init_as": "shot"},
}
STEADY = CODE | {"weight_decay": 0.0005}
SHOT = ANNEALED | {"lr": 0.01}
SHOT_SOURCE = SHOT | {
    **{"label_smoothing": 0.1, "hold_out": True, "chosen_by": "source_accuracy"},
}
VISDA = ANNEALED | {"backbone": "resnet101", "lr": 0.001}
NRC_SOURCE = STEADY | {"lr": 0.01, "label_smoothing": 0.1}
NRC31 = ANNEALED | {"lr": 0.001, "init_as": "default", "hp.neighbors": 2, "hp.expanded": 3}

A_W, D_A, W_A = (f"office31:{t}" for t in ("amazon-webcam", "dslr-amazon", "webcam-amazon"))
C_P, SYNTHETIC = "officehome:clipart-product", "visda2017:synthetic-real"

TABLE: dict[tuple[str, str, str], tuple[dict[str, Any], int, int]] = {
    ("source_only", "shot", A_W): (SHOT_SOURCE, 100 * 40, 400),
    ("source_only", "shot", D_A): (SHOT_SOURCE, 100 * 7, 70),
    ("source_only", "shot", C_P): (SHOT_SOURCE, 50 * 62, 310),
    ("source_only", "shot", SYNTHETIC): (
        VISDA | {"label_smoothing": 0.1, "hold_out": True, "chosen_by": "source_accuracy"},
        10 * 2144,
        2144,
    ),
    ("shot", "authors", A_W): (SHOT, 15 * 13, 13),
    ("shot", "authors", D_A): (SHOT, 15 * 45, 45),
    ("shot", "authors", C_P): (SHOT, 15 * 70, 70),
    ("shot", "authors", SYNTHETIC): (VISDA, 15 * 866, 866),
    ("source_only", "nrc", C_P): (NRC_SOURCE, 20 * 69, 69),
    ("source_only", "nrc", W_A): (NRC_SOURCE, 20 * 13, 13),
    ("source_only", "nrc", SYNTHETIC): (VISDA | {"label_smoothing": 0.1}, 23_820, 2382),
    ("nrc", "authors", C_P): (
        STEADY | {"lr": 0.001, "hp.neighbors": 3, "hp.expanded": 2},
        40 * 70,
        186,
    ),
    ("nrc", "authors", D_A): (NRC31, 50 * 45, 150),
    ("nrc", "authors", A_W): (NRC31 | {"hp.neighbors": 3, "hp.expanded": 2}, 50 * 13, 43),
    ("nrc", "authors", SYNTHETIC): (VISDA, 12_990, 866),
    ("aad", "authors", C_P): (STEADY | {"hp.neighbors": 3, "hp.decay": 0.0}, 40 * 70, 186),
    ("aad", "authors", D_A): (STEADY | {"hp.neighbors": 3, "hp.decay": 1.0}, 50 * 45, 150),
    ("aad", "authors", SYNTHETIC): (VISDA, 12_990, 86),
}
"""Settings, steps and steps between evaluations; a method's own as its defaults, if not named."""


@pytest.mark.parametrize("key", TABLE)
def test_every_setting_is_the_authors(key):
    want, steps, every = TABLE[key]
    assert not differences(*key, want | {"steps": steps, "eval_every": every})


def test_an_adaptation_begins_with_its_source_model():
    for method, first in (("shot", "shot"), ("nrc", "nrc"), ("aad", "nrc")):
        source = first_run(method, "authors", A_W, seed=2)
        assert source == run("source_only", first, A_W, seed=2)
        assert run(method, "authors", A_W, seed=2).init == source.id


def test_both_runs_have_the_network_that_is_asked_for_and_their_own_steps():
    changes = {"backbone": "resnet18", "neck": 128, "steps": 7}
    source = first_run("shot", "authors", A_W, **changes)
    made = run("shot", "authors", A_W, **changes)
    assert made.init == source.id
    assert (source.backbone, source.network.neck, source.steps) == ("resnet18", 128, 4000)
    assert (made.backbone, made.network.neck, made.steps) == ("resnet18", 128, 7)
    assert run("shot", "authors", A_W, init="0123456789ab").init == "0123456789ab"


def test_a_recipe_without_a_run_before_it_has_none():
    begun = {m for m, named in RECIPES.items() for recipe in named.values() if recipe.begins}
    assert {"shot", "nrc", "aad"} <= begun
    with pytest.raises(ValueError, match="recipe tllib of dann begins with no other run"):
        first_run("dann", "tllib", A_W)
