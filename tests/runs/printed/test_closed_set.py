"""Recipes of DSAN, BNM, ATDOC and SDAT on a ResNet-50, beside numbers typed from their code."""

from typing import Any

import pytest

from tests.runs.printed.differences import differences

CODE: dict[str, Any] = {
    **{"backbone": "resnet50", "regime": "full", "side": 224, "hold_out": False, "dropout": 0.0},
    **{"optimizer": "sgd", "schedule": "annealing", "lr": 0.01, "backbone_lr": 0.1},
}
LINEAR = CODE | {
    **{"augment": "random_crop_flip", "neck_norm": False, "neck_relu": False, "bn": "separate"},
}
DSAN = LINEAR | {
    **{"test_crop": "whole", "mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0], "batch": 32},
    **{"neck": 256, "weight_decay": 0.0005, "hp.trade_off": 0.5, "hp.steepness": 10.0},
}
BNM = LINEAR | {
    **{"nesterov": True, "neck": 0, "init_as": "cdan", "batch": 36, "weight_decay": 0.001},
    **{
        "steps": 6004,
        "eval_every": 400,
        "anneal_gamma": 6.004,
        "hp.average_over": "singular_values",
    },
}
RESIZED = {"augment": "crop_flip"}
ATDOC = LINEAR | {
    **{"nesterov": True, "neck": 256, "init_as": "cdan", "label_smoothing": 0.1, "batch": 36},
    **{"weight_decay": 0.001, "anneal_first": 1},
    **{"hp.trade_off": 0.2, "hp.neighbors": 5, "hp.temperature": 0.5},
}
SDAT = CODE | {
    **{"nesterov": True, "augment": "crop_flip", "neck": 256, "weight_decay": 0.001, "batch": 32},
    **{"steps": 20_000, "eval_every": 1000, "anneal_gamma": 20.0, "hp.steepness": 20.0},
    **{"hp.hidden_norm": True, "hp.entropy": False, "hp.exact_up_to": 2**20},
    **{"hp.confusion_trade_off": 1.0, "hp.temperature": 2.0, "hp.rho": 0.05, "hp.climb": "all"},
}


def lasting(steps: int, every: int) -> dict[str, int]:
    return {"steps": steps, "eval_every": every}


TABLE: dict[tuple[str, str, str], dict[str, Any]] = {
    ("dsan", "authors", "office31:amazon-webcam"): DSAN | lasting(200 * 87, 87),
    ("dsan", "authors", "office31:dslr-amazon"): DSAN | lasting(200 * 14, 14),
    ("dsan", "authors", "office31:webcam-dslr"): DSAN | lasting(200 * 23, 23),
    ("bnm", "authors", "office31:amazon-webcam"): BNM,
    ("bnm", "authors", "office31:amazon-dslr"): BNM | {"lr": 0.003},
    ("bnm", "authors", "office31:webcam-amazon"): BNM | RESIZED,
    ("bnm", "authors", "office31:dslr-amazon"): BNM | RESIZED,
    ("bnm", "authors", "office31:dslr-webcam"): BNM | RESIZED | {"lr": 0.003},
    ("bnm", "authors", "office31:webcam-dslr"): BNM | RESIZED | {"lr": 0.003},
    ("bnm", "authors", "officehome:art-real"): BNM,
    ("atdoc", "authors", "officehome:art-clipart"): ATDOC | lasting(50 * 121, 605),
    ("atdoc", "authors", "office31:dslr-webcam"): ATDOC | lasting(100 * 22, 220),
    ("atdoc", "authors", "visda2017:synthetic-real"): ATDOC
    | lasting(4233, 423)
    | {"backbone": "resnet101"},
    ("sdat", "authors_resnet", "officehome:art-real"): SDAT,
}
"""Settings that differ from a run's defaults, by method, recipe and task."""


@pytest.mark.parametrize("key", TABLE)
def test_every_setting_is_the_authors(key):
    assert not differences(*key, TABLE[key])
