"""Recipes of Transfer-Learning-Library for methods with two heads, norms, kernels or two stages."""

from da.runs.printed.recipe import Recipe, Settings
from da.runs.printed.tllib import (
    ADVERSARY,
    DOMAINNET,
    VISDA,
    VIT,
    VIT_WEIGHTS,
    WARM,
    WIDE,
    epochs,
    printed_in,
)

_mdd, _slow = epochs(2e-4, WARM), epochs(3e-4)
_warm, _adda = epochs(1e-3, WARM), epochs(3e-4, WARM)


def _fixed(epochs: int, each: int = 1000) -> Settings:
    """Return the length of a run whose learning rate does not change."""
    return {"steps": epochs * each, "eval_every": each}


def _wide(width: int) -> Settings:
    """Return the widths of MDD's neck and heads."""
    return {"neck": width, "head": (width,)}


MDD: Settings = {
    "dropout": 0.5,
    "head_dropout": 0.5,
    "init_as": "mdd",
    "lr": 0.004,
    "weight_decay": 5e-4,
}
CONSTANT: Settings = {
    "schedule": "constant",
    "nesterov": False,
    "backbone_lr": 1.0,
    "backbone_momentum": 0.0,
    "lr": 0.001,
    "weight_decay": 5e-4,
}
"""A backbone without momentum, and rates that stay as they are."""
MCD: Settings = {
    **CONSTANT,
    "neck": 0,
    "head": (1024, 1024),
    "head_norm": True,
    "head_dropout": 0.5,
    "head_dropout_at": "inputs",
    "hp.evenness": 0.01,
}
AFN: Settings = {
    **CONSTANT,
    "neck": 1000,
    "dropout": 0.5,
    "bn": "separate",
    "init_as": "safn",
    "augment": "random_crop_flip",
}
BSP: Settings = {
    **ADVERSARY,
    "neck": 256,
    "lr": 0.003,
    "weight_decay": 1e-3,
    "begins_with": "network",
    "hp.penalty": 2e-4,
}
DAN: Settings = {
    "neck": 256,
    "neck_norm": False,
    "dropout": 0.5,
    "bn": "separate",
    "lr": 0.003,
    "weight_decay": 5e-4,
    "hp.linear": True,
    "hp.self_pairs": True,
}
ADDA: Settings = {
    "neck": 256,
    "lr": 0.001,
    "weight_decay": 1e-3,
    "begins_with": "network",
    "hp.hidden": (1024, 1024),
    "hp.hidden_norm": True,
    "hp.reversal": 2.0,
    "hp.source_share": 0.0,
}

_HEADS = "The source prints the better head's accuracy; ours is that of both heads together."
_OPTION = " Its script for VisDA passes --center-crop, an option that it does not have."
_STAGES = "What the script trains first is a run of its own, with its own record."
PARTIAL: Settings = {"backbone": "resnet50", "augment": "crop_flip"}

TLLIB_ALIGNMENT: dict[str, Recipe] = {
    "mdd": printed_in(
        "mdd",
        MDD,
        {
            "office31": _mdd(20) | _wide(1024),
            "officehome": _mdd(30) | _wide(2048),
            "visda2017": VISDA | _mdd(30) | _wide(1024) | {"batch": 36},
            "domainnet": DOMAINNET | _mdd(40, 5000) | _wide(2048),
            "imagenet_r": _mdd(40, 2500) | _wide(2048) | {"augment": "center_crop_flip"},
        },
    ),
    "mcd": printed_in(
        "mcd",
        MCD,
        {
            "office31": _fixed(20, 500) | {"hp.trade_off": 10.0},
            "officehome": _fixed(20, 500) | {"hp.trade_off": 30.0},
            "visda2017": VISDA | _fixed(20, 500),
            "domainnet": DOMAINNET | _fixed(30, 2500) | {"hp.trade_off": 120.0},
            "imagenet_r": _fixed(30, 2500) | {"hp.trade_off": 100.0},
        },
        _HEADS + _OPTION,
    ),
    "afn": printed_in(
        "afn",
        AFN,
        {
            "office31": _fixed(20, 500) | {"hp.entropy_trade_off": 0.1},
            "officehome": _fixed(20, 500),
            "visda2017": VISDA | _fixed(10) | {"batch": 36, "hp.step": 0.3},
            "domainnet": WIDE | _fixed(30, 2500) | {"lr": 0.002, "hp.trade_off": 0.01},
            "imagenet_r": _fixed(20, 2500),
            "office31+partial": PARTIAL,
            "officehome+partial": PARTIAL | _fixed(30, 500),
            "visda2017+partial": PARTIAL | _fixed(30) | {"augment": "center_crop_flip"},
            "officehome+several": _fixed(30, 500),
            "domainnet+several": _fixed(40, 5000) | {"lr": 0.001, "hp.trade_off": 0.05},
        },
        "Partial settings are those of partial_domain_adaptation/afn.sh.",
    ),
    "bsp": printed_in(
        "bsp",
        BSP,
        {
            "office31": _warm(20),
            "officehome": _warm(30),
            "visda2017": VISDA | _warm(30),
            "domainnet": WIDE | _warm(30, 2500),
            "imagenet_r": _warm(30, 2500),
            "domainnet+several": _warm(40, 5000),
        },
        _STAGES,
        begins=("source_only", "tllib_bsp"),
    ),
    "dan": printed_in(
        "dan",
        DAN,
        {
            "office31": _slow(20, 500),
            "officehome": _slow(20, 500),
            "visda2017": VISDA | _slow(20, 500),
            "domainnet": WIDE | _slow(30, 2500),
            "imagenet_r": _slow(30, 2500),
            "officehome+several": _slow(30, 500),
            "domainnet+several": _slow(40, 5000),
        },
    ),
    "adda": printed_in(
        "adda",
        ADDA,
        {
            "office31": _adda(20),
            "officehome": _adda(30),
            "visda2017": VISDA | _adda(30),
            "domainnet": WIDE | _adda(30, 2500),
            "imagenet_r": _adda(30, 2500),
            "domainnet+several": _adda(40, 5000),
        },
        _STAGES,
        begins=("source_only", "tllib_adda"),
    ),
}
"""Recipes by method."""

TLLIB_ALIGNMENT_VIT: dict[str, Recipe] = {
    "mdd": printed_in("mdd", MDD, {"officehome": VIT | _mdd(40) | _wide(2048)}, VIT_WEIGHTS),
    "mcd": printed_in(
        "mcd",
        MCD,
        {"officehome": VIT | _fixed(30) | {"hp.trade_off": 30.0}},
        f"{_HEADS} {VIT_WEIGHTS}",
    ),
    "afn": printed_in("afn", AFN, {"officehome": VIT | _fixed(30, 500)}, VIT_WEIGHTS),
    "bsp": printed_in(
        *("bsp", BSP, {"officehome": VIT | _warm(30)}, f"{_STAGES} {VIT_WEIGHTS}"),
        begins=("source_only", "tllib_vit_bsp"),
    ),
    "dan": printed_in("dan", DAN, {"officehome": VIT | _slow(30, 500)}, VIT_WEIGHTS),
    "adda": printed_in(
        *("adda", ADDA, {"officehome": VIT | _adda(30)}, f"{_STAGES} {VIT_WEIGHTS}"),
        begins=("source_only", "tllib_vit_adda"),
    ),
}
"""Recipes for ViT-B/16, by method."""
