"""Recipes of DeepDA, Dassl, pytorch-adapt and SKADA-Bench, beside numbers typed from their code."""

from math import prod
from typing import Any

import pytest

from da.runs.recipes import find_recipe, run, searched_runs
from tests.runs.printed.differences import differences

PLAIN: dict[str, Any] = {"regime": "full", "dropout": 0.0, "bn": "separate", "optimizer": "sgd"}

DEEPDA = PLAIN | {
    **{"backbone": "resnet50", "side": 224, "hold_out": False, "schedule": "annealing"},
    **{"augment": "random_crop_flip", "test_crop": "whole", "neck": 256, "neck_norm": False},
    **{"backbone_lr": 0.1, "batch": 32, "weight_decay": 0.0005, "anneal_gamma": 3.0},
    **{"steps": 20 * 500, "eval_every": 500},
}
DASSL = PLAIN | {
    **{"side": 224, "hold_out": False, "augment": "random_crop_flip", "test_crop": "whole"},
    **{"weight_decay": 0.0005, "batch": 32, "lr": 0.002},
}
OFFICE31 = DASSL | {"backbone": "resnet50", "neck": 256, "steps": 20 * 88, "eval_every": 88}
SKADA = PLAIN | {
    **{"backbone": "resnet50", "side": 224, "neck": 0, "weight_decay": 1e-5, "batch": 128},
    **{"drop_factor": 0.2},
}
WIDE = {"lr": 0.5, "momentum": 0.2, "steps": 30 * 17, "eval_every": 17, "drop_every": 170}
HOME = {"lr": 0.05, "momentum": 0.6, "steps": 20 * 27, "eval_every": 27, "drop_every": 270}
GENTLE = {
    **{"momentum": 0.9, "hp.hidden_dropout": 0.5, "hp.domain_loss": "sum", "hp.steepness": 1e6},
}

A_W, HOUSE = "office31:amazon-webcam", "officehome:product-art"

TABLE: dict[tuple[str, str, str], dict[str, Any]] = {
    ("dann", "deepda", A_W): DEEPDA
    | {
        **{"lr": 0.01, "weight_decay": 0.001, "anneal_gamma": 10.0, "hp.steepness": 1.0},
        **{"hp.hidden": [256, 256], "hp.hidden_norm": True},
    },
    ("dan", "deepda", HOUSE): DEEPDA | {"lr": 0.003, "hp.trade_off": 0.5},
    ("dsan", "deepda", A_W): DEEPDA | {"lr": 0.01, "hp.trade_off": 0.5, "hp.steepness": 1.0},
    ("coral", "deepda", HOUSE): DEEPDA | {"lr": 0.003, "hp.trade_off": 10.0},
    ("bnm", "deepda", A_W): DEEPDA
    | {
        **{"lr": 0.001, "hp.trade_off": 1.0, "hp.average_over": "singular_values"},
        **{"steps": 6000, "eval_every": 300, "anneal_gamma": 1.8},
    },
    ("source_only", "dassl", A_W): OFFICE31,
    ("source_only", "dassl", "office31:dslr-amazon"): OFFICE31 | {"steps": 300, "eval_every": 15},
    ("source_only", "dassl", "visda2017:synthetic-real"): DASSL
    | {
        **{"backbone": "resnet101", "neck": 0, "augment": "center_crop_flip", "lr": 0.0001},
        **{"steps": 2 * 1730, "eval_every": 1730},
    },
    ("dann", "dassl", A_W): OFFICE31
    | {
        **{"hp.hidden": [256, 256], "hp.hidden_norm": True, "hp.hidden_leak": 0.01},
        **{"hp.domain_loss": "sum"},
    },
    ("mcd", "dassl", A_W): OFFICE31,
    ("adabn", "dassl", A_W): OFFICE31,
    ("m3sda", "dassl", "domainnet:clipart,real-sketch"): DASSL
    | {
        **{"backbone": "resnet101", "neck": 0, "batch": 30, "schedule": "cosine"},
        **{"steps": 40 * 5587, "eval_every": 5587, "hp.trade_off": 0.25},
    },
    ("dann", "pytorch_adapt", "digits_official:mnist-mnistm"): {
        **{"regime": "full", "backbone": "lenet", "init": "random", "hold_out": False},
        **{"neck": 0, "dropout": 0.0, "head": [256, 128], "head_dropout": 0.5},
        **{"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "batch": 32},
        **{"optimizer": "adam", "lr": 0.0001, "weight_decay": 0.0},
        **{"steps": 2 * 1843, "eval_every": 1843},
        **{"hp.hidden": [256, 256], "hp.domain_loss": "sum", "hp.steepness": 1e6},
    },
    ("subspace_alignment", "skada_bench", A_W): {
        **{"backbone": "resnet50", "hp.dimensions": 50, "hp.strength": 100.0},
    },
    ("linear_monge", "skada_bench", A_W): {
        **{"backbone": "resnet50", "hp.ridge": 0.1, "hp.strength": 100.0},
    },
    ("sinkhorn_map", "skada_bench", HOUSE): {
        **{"backbone": "resnet50", "hp.reg": 0.5, "hp.norm": "median"},
    },
    ("tca", "skada_bench", A_W): {"backbone": "resnet50", "hp.mu": 10.0, "hp.strength": 100.0},
    ("source_only", "skada_bench", A_W): SKADA | WIDE,
    ("source_only", "skada_bench", HOUSE): SKADA | HOME,
    ("coral", "skada_bench", A_W): SKADA | WIDE,
    ("mcc", "skada_bench", HOUSE): SKADA | HOME | {"hp.temperature": 1.0},
    ("deepjdot", "skada_bench", A_W): SKADA
    | WIDE
    | {"hp.class_trade_off": 0.001, "hp.feature_trade_off": 0.001},
    ("dann", "skada_bench", A_W): SKADA | WIDE | GENTLE | {"lr": 0.05},
    ("dann", "skada_bench", HOUSE): SKADA | HOME | GENTLE | {"lr": 0.005},
}
"""Settings that differ from a run's defaults, by method, recipe and task."""

SEARCHED = {
    "subspace_alignment": {"hp.dimensions": [1, 2, 5, 10, 20, 50, 100]},
    "linear_monge": {"hp.ridge": [1e-8, 1e-6, 0.1, 1, 10]},
    "sinkhorn_map": {"hp.reg": [0.1, 0.5, 1]},
    "tca": {"hp.dimensions": [1, 2, 5, 10, 20, 50, 100], "hp.mu": [10, 100]},
    "dann": {"hp.trade_off": [0.001, 0.01, 0.1, 1]},
    "coral": {"hp.trade_off": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000]},
    "mcc": {"hp.trade_off": [0.01, 0.1, 1], "hp.temperature": [1, 2, 3]},
    "deepjdot": {
        "hp.class_trade_off": [1e-4, 1e-3, 1e-2],
        "hp.feature_trade_off": [1e-4, 1e-3, 1e-2],
    },
}


@pytest.mark.parametrize("key", TABLE)
def test_every_setting_is_the_librarys(key):
    assert not differences(*key, TABLE[key])


@pytest.mark.parametrize("method", SEARCHED)
def test_a_search_is_a_run_for_each_combination_that_the_bench_tries(method):
    recipe = find_recipe(method, "skada_bench")
    assert {k: pytest.approx(v) for k, v in SEARCHED[method].items()} == {
        name: [*values] for name, values in recipe.searched.items()
    }
    runs = searched_runs(method, "skada_bench", A_W, seed=3)
    assert len({made.id for made in runs}) == prod(map(len, SEARCHED[method].values()))
    assert run(method, "skada_bench", A_W, seed=3) in runs


def test_a_source_that_searches_nothing_has_no_such_runs():
    with pytest.raises(ValueError, match="the source of recipe tllib of dann searches no values"):
        searched_runs("dann", "tllib", A_W)
