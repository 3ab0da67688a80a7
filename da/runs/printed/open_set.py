"""Recipes for open-set tasks: of OSBP's authors, and of Transfer-Learning-Library."""

from da.runs.printed.recipe import Recipe, Settings, train
from da.runs.printed.tllib import BASE

BEST_H = (
    "The source keeps the evaluation with the best H-score on the target, which takes target "
    "labels: read `last` as yours."
)

OSBP: Settings = {
    **BASE,
    "dropout": 0.5,
    "neck_layers": 2,
    "bn": "separate",
    "lr": 0.001,
    "weight_decay": 5e-4,
    "hp.trade_off": 1.0,
    "hp.chance": 0.5,
}
"""What both have."""

FOLDER = "examples/domain_adaptation/openset_domain_adaptation"

TLLIB_OPEN: dict[str, Recipe] = {
    "osbp": Recipe(
        f"Transfer-Learning-Library (thuml), {FOLDER}/osbp.py and osbp.sh, and "
        "tllib/alignment/osbp.py.",
        {**OSBP, "neck": 256},
        {
            "office31+open": train(10_000, gamma=3e-4, every=500),
            "officehome+open": train(15_000, gamma=3e-4, every=500),
            "visda2017+open": train(30_000, gamma=3e-4, every=1000)
            | {"augment": "center_crop_flip"},
        },
        oracle=BEST_H,
    )
}
"""Recipes by method."""

OPEN_SET: dict[str, Recipe] = {
    "osbp": Recipe(
        "OSBP's authors (ksaito-ut/OPDA_BP), trainer_osda.py, models/basenet.py and "
        "utils/utils.py, ResNet-152.",
        {
            **{**OSBP, "neck": 1000, "backbone": "resnet152", "backbone_lr": 0.0},
            "augment": "random_crop_flip",
            "schedule": "constant",
            "steps": 30_000,
            "eval_every": 1000,
        },
        {"visda2017+open": {}},
        "The code trains up to 1,000 epochs, until it is stopped; 30,000 steps are ours. It keeps "
        "the proportions of images where it crops them.",
        "The code prints evaluations, and does not say which one is the paper's.",
    )
}
"""Authors' recipes by method."""
