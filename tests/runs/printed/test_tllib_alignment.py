"""Every setting of further recipes of TLlib, beside numbers typed from its scripts."""

from typing import Any

import pytest

from da.methods import METHODS
from da.runs.plain_settings import default_settings
from da.runs.printed.recipe import Recipe
from da.runs.printed.tllib import TLLIB, TLLIB_VIT
from da.runs.recipes import NAMED, run
from da.runs.run import PARTS, Run
from tests.runs.printed.test_tllib import VIT, expected, lines

TABLE = """
mdd  office31   0.004 .0002 .0005 32 20 1000 1024 50  crop_flip
mdd  officehome 0.004 .0002 .0005 32 30 1000 2048 50  crop_flip
mdd  visda2017  0.004 .0002 .0005 36 30 1000 1024 101 center_crop_flip
mdd  domainnet  0.004 .0002 .0005 32 40 5000 2048 101 crop_flip
mdd  imagenet_r 0.004 .0002 .0005 32 40 2500 2048 50  center_crop_flip
mcd  office31   0.001 0     .0005 32 20  500    0 50  crop_flip
mcd  officehome 0.001 0     .0005 32 20  500    0 50  crop_flip
mcd  visda2017  0.001 0     .0005 32 20  500    0 101 center_crop_flip
mcd  domainnet  0.001 0     .0005 32 30 2500    0 101 crop_flip
mcd  imagenet_r 0.001 0     .0005 32 30 2500    0 50  crop_flip
afn  office31   0.001 0     .0005 32 20  500 1000 50  random_crop_flip
afn  officehome 0.001 0     .0005 32 20  500 1000 50  random_crop_flip
afn  visda2017  0.001 0     .0005 36 10 1000 1000 101 center_crop_flip
afn  domainnet  0.002 0     .0005 32 30 2500 1024 101 random_crop_flip
afn  imagenet_r 0.001 0     .0005 32 20 2500 1000 50  random_crop_flip
afn  office31+partial   0.001 0 .0005 32 20  500 1000 50 crop_flip
afn  officehome+partial 0.001 0 .0005 32 30  500 1000 50 crop_flip
afn  visda2017+partial  0.001 0 .0005 36 30 1000 1000 50 center_crop_flip
afn  officehome+several 0.001 0 .0005 32 30  500 1000 50 random_crop_flip
afn  domainnet+several  0.001 0 .0005 32 40 5000 1024 101 random_crop_flip
bsp  office31   0.003 .001  .001  32 20 1000  256 50  crop_flip
bsp  officehome 0.003 .001  .001  32 30 1000  256 50  crop_flip
bsp  visda2017  0.003 .001  .001  32 30 1000  256 101 center_crop_flip
bsp  domainnet  0.003 .001  .001  32 30 2500 1024 101 crop_flip
bsp  imagenet_r 0.003 .001  .001  32 30 2500  256 50  crop_flip
bsp  domainnet+several 0.003 .001 .001 32 40 5000 1024 101 crop_flip
dan  office31   0.003 .0003 .0005 32 20  500  256 50  crop_flip
dan  officehome 0.003 .0003 .0005 32 20  500  256 50  crop_flip
dan  visda2017  0.003 .0003 .0005 32 20  500  256 101 center_crop_flip
dan  domainnet  0.003 .0003 .0005 32 30 2500 1024 101 crop_flip
dan  imagenet_r 0.003 .0003 .0005 32 30 2500  256 50  crop_flip
dan  officehome+several 0.003 .0003 .0005 32 30 500 256 50 crop_flip
dan  domainnet+several 0.003 .0003 .0005 32 40 5000 1024 101 crop_flip
adda office31   0.001 .0003 .001  32 20 1000  256 50  crop_flip
adda officehome 0.001 .0003 .001  32 30 1000  256 50  crop_flip
adda visda2017  0.001 .0003 .001  32 30 1000  256 101 center_crop_flip
adda domainnet  0.001 .0003 .001  32 30 2500 1024 101 crop_flip
adda imagenet_r 0.001 .0003 .001  32 30 2500  256 50  crop_flip
adda domainnet+several 0.001 .0003 .001 32 40 5000 1024 101 crop_flip
fixmatch office31   0.001 .0004 .001 32 20 1000  256 50  crop_flip
fixmatch officehome 0.003 .0004 .001 32 20 1000 1024 50  crop_flip
fixmatch visda2017  0.003 .0004 .001 32 20 1000 2048 101 center_crop_flip
mean_teacher office31   0.0001 .001  0 36 10 1000 256 50  random_crop_flip
mean_teacher officehome 0.0001 .001  0 36 10 1000 256 50  random_crop_flip
mean_teacher visda2017  0.0001 .0002 0 32 20 1000 256 101 random_crop_flip
"""
"""Method, data set, lr, gamma, weight decay, batch, epochs, steps of each, neck, ResNet, images."""

VIT_TABLE = """
mdd  officehome 0.004 .0002 .0005 24 40 1000 2048 0 crop_flip
mcd  officehome 0.001 0     .0005 24 30 1000    0 0 crop_flip
afn  officehome 0.001 0     .0005 24 30  500 1000 0 random_crop_flip
bsp  officehome 0.003 .001  .001  24 30 1000  256 0 crop_flip
dan  officehome 0.003 .0003 .0005 24 30  500  256 0 crop_flip
adda officehome 0.001 .0003 .001  24 30 1000  256 0 crop_flip
mean_teacher officehome 0.0001 .001 0 24 30 1000 256 0 random_crop_flip
"""

FIRST_TABLES = {
    "tllib_bsp": """
source_only office31   0.001 .001  .001  32 3 1000  256 50  crop_flip
source_only visda2017  0.001 .001  .001  32 3 1000  256 101 center_crop_flip
source_only domainnet  0.001 .001  .001  32 3 2500 1024 101 crop_flip
source_only domainnet+several 0.001 .001 .001 32 3 5000 1024 101 crop_flip
""",
    "tllib_adda": "source_only office31 0.001 .0003 .001 32 3 1000 256 50 crop_flip",
    "tllib_vit_bsp": "source_only officehome 0.001 .001 .001 24 3 1000 256 0 crop_flip",
    "tllib_vit_adda": "source_only officehome 0.001 .0003 .001 24 3 1000 256 0 crop_flip",
}
"""What is trained on the source first, for some data sets."""

FIXED = {"schedule": "constant", "nesterov": False, "backbone_lr": 1.0, "backbone_momentum": 0.0}
STRONG = {"strong_magnitude": 30.0, "strong_std": 6.0, "strong_probability": 0.5}
WIDE_HEAD = {"dropout": 0.5, "head_dropout": 0.5, "init_as": "mdd"}
SELF = {
    **{"optimizer": "adam", "nesterov": False, "bn": "separate", "plain_target": True},
    **{"color_jitter": [0.7, 0.7, 0.7, 0.5], "grayscale": 0.1},
    **{"hp.threshold": 0.8, "hp.evenness": 0.01, "hp.warm_up": False},
}

OWN: dict[str, dict[str, Any]] = {
    "mdd": WIDE_HEAD | {"hp.gamma": 4.0, "hp.trade_off": 0.1},
    **{f"mdd {name}": {"head": [1024]} for name in ("office31", "visda2017")},
    **{f"mdd {name}": {"head": [2048]} for name in ("officehome", "domainnet", "imagenet_r")},
    "mcd": FIXED
    | {
        **{"head": [1024, 1024], "head_norm": True, "head_dropout": 0.5},
        **{"head_dropout_at": "inputs", "hp.evenness": 0.01, "hp.backbone_steps": 4},
    },
    "mcd office31": {"hp.trade_off": 10.0},
    "mcd officehome": {"hp.trade_off": 30.0},
    "mcd domainnet": {"hp.trade_off": 120.0},
    "mcd imagenet_r": {"hp.trade_off": 100.0},
    "afn": FIXED
    | {"dropout": 0.5, "bn": "separate", "init_as": "safn", "hp.trade_off": 0.05, "hp.step": 1.0},
    "afn office31": {"hp.entropy_trade_off": 0.1},
    "afn visda2017": {"hp.step": 0.3},
    "afn domainnet": {"hp.trade_off": 0.01},
    "afn domainnet+several": {"hp.trade_off": 0.05},
    "bsp": {"hp.hidden_norm": True, "hp.penalty": 0.0002, "begins_with": "network"},
    "dan": {
        **{"dropout": 0.5, "neck_norm": False, "bn": "separate"},
        **{"hp.linear": True, "hp.self_pairs": True},
    },
    "adda": {
        **{"hp.hidden": [1024, 1024], "hp.hidden_norm": True, "hp.reversal": 2.0},
        **{"hp.source_share": 0.0, "begins_with": "network"},
    },
    "fixmatch": STRONG | {"bn": "separate", "target_crop_scale": [0.5, 1.0], "hp.threshold": 0.9},
    "fixmatch office31": {"target_images": 96 // 32},
    "fixmatch visda2017": {
        **{"target_images": 64 // 32, "hp.threshold": 0.8, "target_crop_scale": []},
    },
    "mean_teacher": SELF,
    "mean_teacher office31": {"hp.trade_off": 3.0 * 31},
    "mean_teacher officehome": {"hp.trade_off": 3.0 * 65},
    "mean_teacher visda2017": {"hp.trade_off": 3.0 * 12},
}
"""Settings of single methods, then of a data set; a gap is a sum over classes in the script."""

CASES = [
    *(("tllib", line) for line in lines(TABLE)),
    *(("tllib_vit", line) for line in lines(VIT_TABLE)),
    *((name, line) for name, table in FIRST_TABLES.items() for line in lines(table)),
]


def settings(line: str, vit: bool) -> dict[str, Any]:
    """All settings of a line that differ from a run's defaults."""
    method, data = line.split()[:2]
    found = (
        expected(line, vit) | OWN.get(method, {}) | OWN.get(f"{method} {data.split('+')[0]}", {})
    )
    if found["schedule"] == "constant":
        del found["anneal_gamma"]
    return found | OWN.get(f"{method} {data}", {}) | (VIT if vit else {})


@pytest.mark.parametrize(("name", "line"), CASES)
def test_every_setting_is_the_scripts(name, line):
    method, data = line.split()[:2]
    benchmark, plus, setting = data.partition("+")
    several = setting == "several"
    begun = {"init": "0123456789ab"} if method in ("bsp", "adda") else {}
    made = run(method, name, f"{benchmark}:a{',b-c' if several else f'-b{plus}{setting}'}", **begun)
    usual = default_settings(Run, METHODS[method].Hparams, tuple(PARTS.values()))
    want = usual | begun | settings(line, "vit" in name)
    differs = {k: v for k, v in made.settings().items() if v != want.get(k)}
    assert differs == {"method": method, "task": made.task}


@pytest.mark.parametrize(
    ("name", "table", "others"), [("tllib", TABLE, TLLIB), ("tllib_vit", VIT_TABLE, TLLIB_VIT)]
)
def test_the_tables_have_every_data_set(name, table, others):
    typed = {tuple(line.split()[:2]) for line in lines(table)}
    own: dict[str, Recipe] = {m: r for m, r in NAMED[name].items() if m in OWN and m not in others}
    assert {(m, data) for m, recipe in own.items() for data in recipe.data_sets} == typed


THIRTEEN = [
    *("source_only", "dann", "cdan", "mcc", "mdd", "mcd", "afn"),
    *("bsp", "dan", "jan", "adda", "fixmatch", "mean_teacher"),
]


@pytest.mark.parametrize("method", THIRTEEN)
def test_a_word_says_office31_for_each_of_the_thirteen_methods(method):
    recipe = NAMED["tllib"][method]
    assert recipe.is_printed_for("office31:amazon-webcam")
    assert not recipe.is_printed_for("office31:amazon-webcam+universal10/10/11")
