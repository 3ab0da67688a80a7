"""Every setting of TLlib's recipes, beside numbers typed from its scripts."""

from typing import Any

import pytest

from da.methods import METHODS
from da.runs.plain_settings import default_settings
from da.runs.printed.tllib import TLLIB, TLLIB_VIT
from da.runs.recipes import run
from da.runs.run import PARTS, Run

COMMON = {
    **{"regime": "full", "side": 224, "hold_out": False, "dropout": 0.0, "optimizer": "sgd"},
    **{"nesterov": True, "schedule": "annealing", "backbone_lr": 0.1},
}

TABLE = """
source_only office31          0.001 .0003 .0005 32  5  500    0 50  crop_flip
source_only officehome        0.001 .0003 .0005 32  5  500    0 50  crop_flip
source_only visda2017         0.001 .0003 .0005 32 20 1000    0 101 center_crop_flip
source_only domainnet         0.01  .0003 .0005 32 20 2500    0 101 crop_flip
source_only imagenet_r        0.001 .0003 .0005 32 20 2500    0 50  crop_flip
source_only office31+partial  0.001 .0003 .0005 36  5  500    0 50  crop_flip
source_only officehome+partial 0.001 .0003 .0005 36 5  500    0 50  crop_flip
source_only visda2017+partial 0.001 .0003 .0005 36 10  500    0 50  crop_flip
dann        office31          0.01  .001  .001  32 20 1000  256 50  crop_flip
dann        officehome        0.01  .001  .001  32 30 1000  256 50  crop_flip
dann        visda2017         0.01  .001  .001  32 30 1000  256 101 center_crop_flip
dann        domainnet         0.01  .001  .001  32 30 2500 1024 101 crop_flip
dann        imagenet_r        0.01  .001  .001  32 30 2500  256 50  crop_flip
dann        office31+partial  0.002 .001  .001  36  5 1000  256 50  crop_flip
dann        officehome+partial 0.002 .001 .001  36  5 1000  256 50  crop_flip
dann        visda2017+partial 0.002 .001  .001  36  5 1000  256 50  center_crop_flip
cdan        office31          0.01  .001  .001  32 20 1000  256 50  crop_flip
cdan        officehome        0.01  .001  .001  32 30 1000  256 50  crop_flip
cdan        visda2017         0.01  .001  .001  32 30 1000  256 101 center_crop_flip
cdan        domainnet         0.01  .001  .001  32 30 2500 1024 101 crop_flip
cdan        imagenet_r        0.01  .001  .001  32 30 2500  256 50  crop_flip
mcc         office31          0.005 .001  .001  36 20  500 1024 50  crop_flip
mcc         officehome        0.005 .001  .001  36 30 1000 2048 50  crop_flip
mcc         visda2017         0.002 .001  .001  36 30 1000  256 101 center_crop_flip
mcc         domainnet         0.005 .001  .001  32 30 2500 2048 101 crop_flip
mcc         imagenet_r        0.005 .001  .001  36 30 1000 2048 50  crop_flip
source_only officehome+several 0.001 .0003 .0005 32 10 1000   0 50  crop_flip
dann        domainnet+several 0.01  .001  .001  32 40 5000 1024 101 crop_flip
cdan        domainnet+several 0.01  .001  .001  32 40 5000 1024 101 crop_flip
mcc         domainnet+several 0.005 .001  .001  36 40 5000 2048 101 crop_flip
jan         officehome+several 0.003 .0003 .0005 32 30 500  256 50  crop_flip
jan         domainnet+several 0.003 .0003 .0005 32 40 5000 1024 101 crop_flip
jan         office31          0.003 .0003 .0005 32 20  500  256 50  crop_flip
jan         officehome        0.003 .0003 .0005 32 20  500  256 50  crop_flip
jan         visda2017         0.003 .0003 .0005 32 20  500  256 101 center_crop_flip
jan         domainnet         0.003 .0003 .0005 32 30 2500 1024 101 crop_flip
jan         imagenet_r        0.003 .0003 .0005 32 30 2500  256 50  crop_flip
pada        office31+partial  0.002 .001  .001  36 20 1000  256 50  crop_flip
pada        officehome+partial 0.002 .001 .001  36 30 1000  256 50  crop_flip
"""
"""Method, data set, lr, gamma, weight decay, batch, epochs, steps of each, neck, ResNet, images."""

VIT_TABLE = """
source_only officehome 0.001 .0003 .0005 24 20 1000    0 0 crop_flip
dann        officehome 0.01  .001  .001  24 30 1000  256 0 crop_flip
cdan        officehome 0.01  .001  .001  24 30 1000  256 0 crop_flip
mcc         officehome 0.005 .001  .001  24 30 1000 2048 0 crop_flip
jan         officehome 0.003 .0003 .0005 24 30  500  256 0 crop_flip
"""

VIT = {
    "backbone": "vit_base_patch16_224.augreg_in21k_ft_in1k",
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "interpolation": "bilinear",
}

OWN: dict[str, dict[str, Any]] = {
    "dann": {"hp.hidden_norm": True},
    "cdan": {"hp.hidden_norm": True, "hp.entropy": False, "hp.exact_up_to": 2**20},
    "cdan domainnet": {"hp.exact_up_to": 0, "hp.random_width": 51_200},
    "cdan domainnet+several": {"hp.exact_up_to": 0, "hp.random_width": 51_200},
    "mcc visda2017": {"hp.temperature": 3.0},
    "mcc domainnet": {"hp.temperature": 2.0, "hp.trade_off": 10.0},
    "jan": {"hp.prediction_width": 1.6928, "hp.self_pairs": True, "dropout": 0.5},
    "pada": {"hp.hidden_norm": True, "hp.temperature": 0.1, "hp.refreshes": 40},
    "pada officehome+partial": {"hp.temperature": 0.01, "hp.refreshes": 60},
}
"""Settings of single methods; the reversed gradient's warm-up is over 1000 steps."""


def expected(line: str, vit: bool) -> dict[str, Any]:
    """All settings of a line that differ from a run's defaults."""
    method, data, lr, gamma, decay, batch, epochs, each, neck, depth, augment = line.split()
    steps = int(epochs) * int(each)
    found = COMMON | {
        **{"backbone": f"resnet{depth}", "augment": augment, "neck": int(neck)},
        **{"lr": float(lr), "anneal_gamma": round(float(gamma) * steps, 6)},
        **{"weight_decay": float(decay), "batch": int(batch)},
        **{"steps": steps, "eval_every": int(each)},
        **OWN.get(method, {}),
        **OWN.get(f"{method} {data}", {}),
    }
    adversarial = hasattr(METHODS[method].Hparams, "steepness")
    found |= {"hp.steepness": steps / 1000} if adversarial else {}
    return found | (VIT if vit else {})


def lines(table: str) -> list[str]:
    return table.strip().splitlines()


@pytest.mark.parametrize(
    ("name", "line"),
    [("tllib", line) for line in lines(TABLE)] + [("tllib_vit", line) for line in lines(VIT_TABLE)],
)
def test_every_setting_is_the_scripts(name, line):
    method, data = line.split()[:2]
    benchmark, plus, setting = data.partition("+")
    several = setting == "several"
    made = run(method, name, f"{benchmark}:a{',b-c' if several else f'-b{plus}{setting}'}")
    usual = default_settings(Run, METHODS[method].Hparams, tuple(PARTS.values()))
    want = usual | expected(line, name == "tllib_vit")
    differs = {k: v for k, v in made.settings().items() if v != want.get(k)}
    assert differs == {"method": method, "task": made.task}


def test_the_tables_have_every_data_set():
    for recipes, table in ((TLLIB, TABLE), (TLLIB_VIT, VIT_TABLE)):
        typed = {tuple(line.split()[:2]) for line in lines(table)}
        assert {method for method, _ in typed} == recipes.keys()
        printed = {
            (m, name)
            for m, recipe in recipes.items()
            for name in recipe.data_sets
            if not name.endswith("+open")  # test_open_set.py has these
        }
        assert typed == printed
