"""Recipes of Transfer-Learning-Library: what its scripts run, by method and data set."""

from collections.abc import Mapping
from typing import Any

from da.runs.printed.recipe import BEST_ON_TARGET, Recipe, Settings, train

EXACT = 2**20
"""Width of CDAN's product up to which it is not approximated: above that of every data set here."""

BASE: Settings = {
    "backbone": "resnet50",
    "regime": "full",
    "side": 224,
    "hold_out": False,
    "augment": "crop_flip",
    "dropout": 0.0,
    "optimizer": "sgd",
    "momentum": 0.9,
    "nesterov": True,
    "schedule": "annealing",
    "backbone_lr": 0.1,
    "batch": 32,
}
"""What all of its scripts share."""

VISDA = {"backbone": "resnet101", "augment": "center_crop_flip"}
DOMAINNET = {"backbone": "resnet101"}
VIT = {
    "backbone": "vit_base_patch16_224.augreg_in21k_ft_in1k",
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
    "interpolation": "bilinear",
    "batch": 24,
}
ADVERSARY = {"hp.hidden_norm": True}
"""Its discriminator; 1024 wide twice, as ours is."""

WARM = 0.001
"""Its reversed gradient warms up over 1000 steps, in every run."""

FOLDER = "examples/domain_adaptation"


def printed_in(
    script: str,
    settings: Settings,
    data: Mapping[str, Settings],
    ours: str = "",
    folder: str = "image_classification",
    begins: tuple[str, ...] = (),
) -> Recipe:
    """Return the recipe of a script, with what all scripts share.

    Args:
        script: Its name, without an ending.
        settings: Settings for every data set.
        data: Settings that differ, by data set.
        ours: How this project differs.
        folder: Folder of the script.
        begins: Method and name of the recipe of what the script trains first.
    """
    source = f"Transfer-Learning-Library (thuml), {FOLDER}/{folder}/{script}.py and {script}.sh."
    return Recipe(source, {**BASE, **settings}, data, ours, BEST_ON_TARGET, begins)


def epochs(gamma: float, warm: float = 0) -> Any:
    """Return a function from epochs and steps of each to the settings of a run's length."""

    def lasting(epochs: int, each: int = 1000) -> dict[str, Any]:
        return train(epochs * each, gamma=gamma, every=each, warm=warm)

    return lasting


_slow, _fast, _warm = epochs(3e-4), epochs(1e-3), epochs(1e-3, WARM)

ERM = {"neck": 0, "lr": 0.001, "weight_decay": 5e-4}
ALIGNED = {"neck": 256, "lr": 0.01, "weight_decay": 1e-3, **ADVERSARY}
PARTIAL = {"neck": 256, "lr": 0.002, "weight_decay": 1e-3, "batch": 36, **ADVERSARY}
CDAN = {**ALIGNED, "hp.entropy": False, "hp.exact_up_to": EXACT}
MCC = {"lr": 0.005, "weight_decay": 1e-3, "hp.trade_off": 1.0, "hp.temperature": 2.5}
JAN = {
    "neck": 256,
    "dropout": 0.5,
    "lr": 0.003,
    "weight_decay": 5e-4,
    "hp.prediction_width": 1.6928,
    "hp.self_pairs": True,
}

WIDE = {**DOMAINNET, "neck": 1024}
PARTIAL_ERM = {"batch": 36, "backbone": "resnet50", "augment": "crop_flip"}
PARTIAL_DANN = {"lr": 0.002, "batch": 36, "backbone": "resnet50"}
OPEN = {"backbone": "resnet50"}
OPEN_DANN = {**OPEN, "lr": 0.002}
REJECTED = (
    "There, images are rejected by their largest probability, below 0.8 (DANN in Office-31: 0.9), "
    "and here by entropy; and the best H-score on the target is kept."
)

TLLIB: dict[str, Recipe] = {
    "source_only": printed_in(
        "erm",
        ERM,
        {
            "office31": _slow(5, 500),
            "officehome": _slow(5, 500),
            "visda2017": VISDA | _slow(20),
            "domainnet": DOMAINNET | _slow(20, 2500) | {"lr": 0.01},
            "imagenet_r": _slow(20, 2500),
            "office31+partial": PARTIAL_ERM | _slow(5, 500),
            "officehome+partial": PARTIAL_ERM | _slow(5, 500),
            "visda2017+partial": PARTIAL_ERM | _slow(10, 500),
            "officehome+several": _slow(10, 1000),
            "office31+open": _slow(20, 500),
            "officehome+open": _slow(30, 500),
            "visda2017+open": OPEN | _slow(30, 500),
        },
        "Partial settings are those of partial_domain_adaptation/erm.sh, and open ones those of "
        f"openset_domain_adaptation/erm.sh. {REJECTED}",
    ),
    "dann": printed_in(
        "dann",
        ALIGNED,
        {
            "office31": _warm(20),
            "officehome": _warm(30),
            "visda2017": VISDA | _warm(30),
            "domainnet": WIDE | _warm(30, 2500),
            "imagenet_r": _warm(30, 2500),
            "office31+partial": PARTIAL_DANN | _warm(5),
            "officehome+partial": PARTIAL_DANN | _warm(5),
            "visda2017+partial": PARTIAL_DANN | _warm(5),
            "domainnet+several": _warm(40, 5000),
            "office31+open": OPEN_DANN | _warm(20, 500),
            "officehome+open": OPEN_DANN | _warm(30, 500),
            "visda2017+open": OPEN_DANN | _warm(30, 500),
        },
        "Partial settings are those of partial_domain_adaptation/dann.sh, and open ones those of "
        f"openset_domain_adaptation/dann.sh. {REJECTED}",
    ),
    "cdan": printed_in(
        "cdan",
        CDAN,
        {
            "office31": _warm(20),
            "officehome": _warm(30),
            "visda2017": VISDA | _warm(30),
            "domainnet": WIDE | _warm(30, 2500) | {"hp.exact_up_to": 0, "hp.random_width": 51_200},
            "imagenet_r": _warm(30, 2500),
            "domainnet+several": _warm(40, 5000),
        },
    ),
    "mcc": printed_in(
        "mcc",
        MCC | {"batch": 36},
        {
            "office31": _fast(20, 500) | {"neck": 1024},
            "officehome": _fast(30) | {"neck": 2048},
            "visda2017": VISDA | _fast(30) | {"neck": 256, "lr": 0.002, "hp.temperature": 3.0},
            "domainnet": DOMAINNET
            | _fast(30, 2500)
            | {"neck": 2048, "batch": 32, "hp.temperature": 2.0, "hp.trade_off": 10.0},
            "imagenet_r": _fast(30) | {"neck": 2048},
            "domainnet+several": _fast(40, 5000)
            | {"batch": 36, "hp.temperature": 2.5, "hp.trade_off": 1.0},
        },
    ),
    "jan": printed_in(
        "jan",
        JAN,
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
    "pada": printed_in(
        "pada",
        PARTIAL | {"hp.temperature": 0.1},
        {
            "office31+partial": _warm(20) | {"hp.refreshes": 40},
            "officehome+partial": _warm(30) | {"hp.refreshes": 60, "hp.temperature": 0.01},
        },
        folder="partial_domain_adaptation",
    ),
}
"""Recipes by method."""

_vit_slow, _vit_warm = VIT | _slow(20, 1000), VIT | _warm(30)
VIT_WEIGHTS = "The source names no weights of ViT-B/16; these are timm's augreg_in21k_ft_in1k."

TLLIB_VIT: dict[str, Recipe] = {
    "source_only": printed_in("erm", ERM, {"officehome": _vit_slow}, VIT_WEIGHTS),
    "dann": printed_in("dann", ALIGNED, {"officehome": _vit_warm}, VIT_WEIGHTS),
    "cdan": printed_in("cdan", CDAN, {"officehome": _vit_warm}, VIT_WEIGHTS),
    "mcc": printed_in("mcc", MCC, {"officehome": VIT | _fast(30) | {"neck": 2048}}, VIT_WEIGHTS),
    "jan": printed_in("jan", JAN, {"officehome": VIT | _slow(30, 500)}, VIT_WEIGHTS),
}
"""Recipes for ViT-B/16, by method."""
