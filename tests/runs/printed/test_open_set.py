"""Recipes for open-set tasks, beside numbers typed from the code that prints them."""

from typing import Any

import pytest

from tests.runs.printed.differences import differences

CODE: dict[str, Any] = {
    **{"backbone": "resnet50", "regime": "full", "side": 224, "hold_out": False, "batch": 32},
    **{"optimizer": "sgd", "nesterov": True, "schedule": "annealing", "backbone_lr": 0.1},
    **{"augment": "crop_flip", "lr": 0.001, "weight_decay": 0.0005, "eval_every": 500},
}
OSBP = CODE | {"neck": 256, "neck_layers": 2, "dropout": 0.5, "bn": "separate"}
ERM = CODE | {"neck": 0, "dropout": 0.0}
DANN = CODE | {
    **{"neck": 256, "dropout": 0.0, "lr": 0.002, "weight_decay": 0.001, "hp.hidden_norm": True},
}
CROPPED = {"augment": "center_crop_flip"}


def slow(steps: int) -> dict[str, float]:
    return {"steps": steps, "anneal_gamma": round(0.0003 * steps, 6)}


def warm(steps: int) -> dict[str, float]:
    return {"steps": steps, "anneal_gamma": steps / 1000, "hp.steepness": steps / 1000}


TABLE: dict[tuple[str, str, str], dict[str, Any]] = {
    ("osbp", "tllib", "office31"): OSBP | slow(20 * 500),
    ("osbp", "tllib", "officehome"): OSBP | slow(30 * 500),
    ("osbp", "tllib", "visda2017"): OSBP | slow(30 * 1000) | CROPPED | {"eval_every": 1000},
    ("source_only", "tllib", "office31"): ERM | slow(20 * 500),
    ("source_only", "tllib", "officehome"): ERM | slow(30 * 500),
    ("source_only", "tllib", "visda2017"): ERM | slow(30 * 500) | CROPPED,
    ("dann", "tllib", "office31"): DANN | warm(20 * 500),
    ("dann", "tllib", "officehome"): DANN | warm(30 * 500),
    ("dann", "tllib", "visda2017"): DANN | warm(30 * 500) | CROPPED,
    ("osbp", "authors", "visda2017"): OSBP
    | {
        **{"backbone": "resnet152", "backbone_lr": 0.0, "neck": 1000, "schedule": "constant"},
        **{"augment": "random_crop_flip", "steps": 30_000, "eval_every": 1000},
    },
}
"""Settings that differ from a run's defaults, by method, recipe and data set."""


@pytest.mark.parametrize("key", TABLE)
def test_every_setting_is_the_sources(key):
    method, name, data = key
    assert not differences(method, name, f"{data}:a-b+open", TABLE[key])
