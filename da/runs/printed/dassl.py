"""Recipes of Dassl."""

from da.runs.printed.epochs import by_task, count_batches
from da.runs.printed.recipe import Recipe, Settings

CODE: Settings = {
    "regime": "full",
    "side": 224,
    "hold_out": False,
    "augment": "random_crop_flip",
    "test_crop": "whole",
    "dropout": 0.0,
    "bn": "separate",
    "optimizer": "sgd",
    "momentum": 0.9,
    "weight_decay": 5e-4,
}
"""What all of its trainers share."""

OFFICE31: Settings = {**CODE, "backbone": "resnet50", "neck": 256, "batch": 32, "lr": 0.002}
"""Settings of source_only on Office-31, the only ones of a method for it."""


def _last(epochs: int, each: int) -> dict[str, int]:
    return {"steps": epochs * each, "eval_every": each}


LENGTHS = by_task("office31", lambda source, _: _last(20, count_batches(source, 32, whole=True)))
SHIFTED = "The library enlarges and shifts half of the images; here all are."


def _trainer(name: str, settings: Settings, ours: str = "") -> Recipe:
    """Return the recipe of a method that has no settings for Office-31, but a trainer."""
    source = f"Dassl.pytorch, dassl/engine/da/{name}.py, with the settings of source_only: "
    files = "configs/trainers/da/source_only/office31.yaml and configs/datasets/da/office31.yaml."
    why = f"The library prints none for Office-31 and this method. {SHIFTED}"
    return Recipe(f"{source}{files}", {**OFFICE31, **settings}, LENGTHS, f"{why} {ours}".strip())


DANN = _trainer(
    "dann",
    {
        "hp.hidden": (256, 256),
        "hp.hidden_norm": True,
        "hp.hidden_leak": 0.01,
        "hp.domain_loss": "sum",
    },
)

SOURCE_ONLY = Recipe(
    "Dassl.pytorch, configs/trainers/da/source_only and configs/datasets/da.",
    OFFICE31,
    {
        **LENGTHS,
        "visda2017": {
            **{"backbone": "resnet101", "neck": 0, "augment": "center_crop_flip", "lr": 1e-4},
            **_last(2, count_batches(55_388, 32, whole=True)),
        },
    },
    f"In Office-31, {SHIFTED[0].lower()}{SHIFTED[1:]}",
)

M3SDA = Recipe(
    "Dassl.pytorch, dassl/engine/da/m3sda.py, dassl/config/defaults.py, "
    "configs/trainers/da/m3sda/domainnet.yaml and configs/datasets/da/domainnet.yaml.",
    {
        **{**CODE, "backbone": "resnet101", "neck": 0, "schedule": "cosine"},
        **{"batch": 30, "lr": 0.002, "hp.trade_off": 0.25, "hp.moments": 2, "hp.backbone_steps": 4},
    },
    {"domainnet+several": _last(40, 33_525 // 6)},
    "Steps are those with clipart among five sources, the smallest, which ends an epoch. A step "
    "has 6 target images there, and 30 here. The library compares variances, and here raw second "
    f"moments, and the mean is over all pairs of domains there. {SHIFTED}",
)

DASSL: dict[str, Recipe] = {
    "source_only": SOURCE_ONLY,
    "dann": DANN,
    "mcd": _trainer("mcd", {"hp.backbone_steps": 4, "hp.trade_off": 1.0}),
    "adabn": _trainer(
        "adabn",
        {},
        "There, a finished source model takes the target's statistics in a second run.",
    ),
    "m3sda": M3SDA,
}
"""Recipes by method."""
