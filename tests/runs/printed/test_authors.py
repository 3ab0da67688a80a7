"""Settings of authors' recipes, beside numbers typed from their code."""

from typing import Any

import pytest

from da.methods import METHODS
from da.runs.plain_settings import default_settings
from da.runs.recipes import run
from da.runs.run import PARTS, Run

TRAINED = {
    **{"regime": "full", "side": 224, "hold_out": False, "dropout": 0.0, "optimizer": "sgd"},
    **{"nesterov": True, "schedule": "annealing", "lr": 0.01, "backbone_lr": 0.1},
}
LINEAR_NECK = {"neck_norm": False, "neck_relu": False}

CDAN: dict[str, Any] = {
    **TRAINED | LINEAR_NECK,
    **{"backbone": "resnet50", "augment": "crop_flip", "test_crop": "ten_crop"},
    **{"neck": 256, "bn": "separate", "init_as": "cdan", "weight_decay": 0.001, "batch": 36},
    **{"steps": 100_004, "anneal_gamma": 100.004, "eval_every": 500},
    **{"hp.hidden_dropout": 0.5, "hp.steepness": 100.004},
}
"""0.001 and 0.0005, times 10 and 2 outside the backbone, times 1 and 2 in it."""
EXACT = {"hp.exact_up_to": 2**20}

UNIVERSAL = TRAINED | {
    **{"backbone": "resnet50", "augment": "random_crop_flip", "neck": 0, "bn": "separate"},
    **{"steps": 10_000, "eval_every": 500, "batch": 36, "weight_decay": 0.0005},
}

SDAT = TRAINED | {
    **{"backbone": "vit_base_patch16_224.augreg_in21k_ft_in1k", "interpolation": "bilinear"},
    **{"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "augment": "crop_flip"},
    **{"neck": 256, "weight_decay": 0.001, "batch": 24, "steps": 30_000, "eval_every": 1000},
    **{"anneal_gamma": 30.0, "hp.steepness": 30.0, "hp.hidden_norm": True, "hp.entropy": False},
}
SDAT_VISDA = SDAT | {
    **{"augment": "center_crop_flip", "batch": 32, "steps": 15_000},
    **{"anneal_gamma": 15.0, "hp.steepness": 15.0},
}
CONFUSION = EXACT | {"lr": 0.002, "hp.temperature": 2.0}
SMOOTH = EXACT | {"hp.temperature": 2.0, "hp.climb": "all", "hp.rho": 0.02}
ALONE = SMOOTH | {"hp.confusion_trade_off": 0.0}

STREAM = {"regime": "full", "init": "0123456789ab", "weight_decay": 0.0}
ADAM = STREAM | {"optimizer": "adam", "lr": 0.001, "batch": 200}
SGD = STREAM | {"optimizer": "sgd", "lr": 0.00025, "batch": 64}
EATA = {"hp.redundancy": 0.05, "hp.trade_off": 2000.0}
COTTA_IMAGENET = {"lr": 0.01, "nesterov": True, "hp.restore": 0.001, "hp.threshold": 0.1}

TABLE: dict[tuple[str, str, str], dict[str, Any]] = {
    ("cdan", "authors", "office31:amazon-webcam"): CDAN | EXACT,
    ("cdan", "authors", "office31:amazon-dslr"): CDAN | EXACT | {"lr": 0.003},
    ("cdan", "authors", "office31:dslr-webcam"): CDAN | EXACT | {"lr": 0.003},
    ("cdan", "authors", "officehome:art-real"): CDAN | EXACT | {"eval_every": 2000},
    ("cdan", "authors", "visda2017:synthetic-real"): CDAN | EXACT | {"eval_every": 5000},
    ("cdan", "authors", "imageclef_da:i-p"): CDAN | EXACT,
    ("dann", "cdan", "office31:amazon-webcam"): CDAN,
    ("dann", "cdan", "office31:amazon-dslr"): CDAN | {"lr": 0.003},
    ("mme", "authors", "domainnet126:real-sketch+3shot"): TRAINED
    | LINEAR_NECK
    | {
        **{"backbone": "resnet34", "augment": "random_crop_flip", "neck": 512, "batch": 2 * 24},
        **{"weight_decay": 0.0005, "steps": 50_000, "anneal_gamma": 5.0, "eval_every": 500},
        **{"init_as": "cdan"},
    },
    ("dance", "authors", "officehome:art-real+open25"): UNIVERSAL,
    ("ovanet", "authors", "officehome:art-real+open25"): UNIVERSAL,
    ("sdat", "authors", "officehome:art-real"): SDAT | SMOOTH | {"lr": 0.002},
    ("sdat", "authors", "visda2017:synthetic-real"): SDAT_VISDA | SMOOTH | {"lr": 0.002},
    ("sdat", "sdat", "officehome:art-real"): SDAT | ALONE,
    ("sdat", "sdat", "visda2017:synthetic-real"): SDAT_VISDA | ALONE | {"hp.rho": 0.005},
    ("cdan", "sdat", "officehome:art-real"): SDAT | EXACT,
    ("cdan_mcc", "sdat", "visda2017:synthetic-real"): SDAT_VISDA | CONFUSION,
    ("tent", "authors", "cifar10_c:a-b"): ADAM,
    ("tent", "sar", "imagenet_c:a-b"): SGD,
    ("tent", "sar_vit", "imagenet_c:a-b"): SGD | {"lr": 0.001},
    ("eata", "authors", "imagenet_c:a-b"): SGD | EATA,
    ("eata", "sar_vit", "imagenet_c:a-b"): SGD | EATA | {"lr": 0.001},
    ("sar", "authors", "imagenet_c:a-b"): SGD,
    ("sar", "sar_vit", "imagenet_c:a-b"): SGD | {"lr": 0.001},
    ("cotta", "authors", "cifar10_c:a-b"): ADAM,
    ("cotta", "authors", "cifar100_c:a-b"): ADAM | {"hp.threshold": 0.72},
    ("cotta", "authors", "imagenet_c:a-b"): SGD | COTTA_IMAGENET,
}
"""Settings that differ from a run's defaults, by method, recipe and task."""


@pytest.mark.parametrize("key", TABLE)
def test_every_setting_is_the_authors(key):
    method, name, task = key
    want = TABLE[key]
    made = run(method, name, task, **{k: v for k, v in want.items() if k == "init"})
    usual = default_settings(Run, METHODS[method].Hparams, tuple(PARTS.values()))
    long = {"steps": 1_000_000, "eval_every": 1_000_000} if "init" in want else {}
    differs = {k: v for k, v in made.settings().items() if v != (usual | long | want).get(k)}
    assert differs == {"method": method, "task": task}
