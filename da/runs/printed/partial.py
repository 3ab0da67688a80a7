"""The recipe of the authors' own code of PADA."""

from typing import Any

from da.runs.printed.recipe import BEST_ON_TARGET, Recipe, train
from da.runs.printed.tllib import BASE, WARM

STEPS = 12_004
SHARP = {"hp.temperature": 0.1}
SLOW: dict[str, Any] = {"lr": 0.003}
HALF = {**SLOW, **SHARP, "hp.trade_off": 0.5}


def _to_real(trade_off: float, refreshes: int = 24) -> dict[str, Any]:
    return {**HALF, "hp.trade_off": trade_off, "hp.refreshes": refreshes}


PADA = Recipe(
    "PADA's authors (thuml/PADA), pytorch/src/train_pada.py, network.py and lr_schedule.py, "
    "ResNet-50.",
    {
        **{**BASE, **train(STEPS, gamma=1e-3, every=500, warm=WARM), "test_crop": "ten_crop"},
        **{"neck": 256, "neck_norm": False, "neck_relu": False, "init_as": "pada", "batch": 36},
        **{"lr": 0.01, "weight_decay": 5e-4, "hp.hidden_dropout": 0.5},
        **{"hp.trade_off": 1.0, "hp.temperature": 1.0, "hp.refreshes": 24},
    },
    {
        "office31+partial": {},
        "office31:dslr-amazon": SLOW,
        "office31:webcam-amazon": SLOW,
        "officehome+partial": HALF,
        "officehome:art-real": _to_real(0.25),
        "officehome:clipart-real": _to_real(0.5, refreshes=12),
        "officehome:product-real": _to_real(0.3),
        "officehome:real-art": {**SLOW, "hp.temperature": 1.0, "hp.trade_off": 1.0},
        "officehome:real-clipart": {**SHARP, "lr": 0.01, "hp.trade_off": 1.0},
        "officehome:real-product": {**SHARP, "lr": 0.01, "hp.trade_off": 1.0},
    },
    "In the domain loss, source images weigh at most 1 in a batch and target images 1 there; here "
    "classes weigh at most 1, and target images the mean of the source's. The last layer of the "
    "discriminator begins with N(0, 0.3) there.",
    BEST_ON_TARGET,
)

PARTIAL: dict[str, Recipe] = {"pada": PADA}
"""Recipes by method."""
