"""Recipes of Transfer-Learning-Library for methods that learn from their own predictions."""

from da.runs.printed.recipe import Recipe, Settings
from da.runs.printed.tllib import VISDA, VIT, VIT_WEIGHTS, epochs, printed_in

_fixmatch, _fast = epochs(4e-4), epochs(1e-3)

FIXMATCH: Settings = {
    "bn": "separate",
    "weight_decay": 1e-3,
    "target_crop_scale": (0.5, 1.0),
    "strong_magnitude": 30.0,
    "strong_std": 6.0,
    "strong_probability": 0.5,
    "hp.threshold": 0.9,
}
"""Its strong view is timm's rand-m10-n2-mstd2."""

MEAN_TEACHER: Settings = {
    "neck": 256,
    "bn": "separate",
    "optimizer": "adam",
    "nesterov": False,
    "lr": 1e-4,
    "weight_decay": 0.0,
    "augment": "random_crop_flip",
    "color_jitter": (0.7, 0.7, 0.7, 0.5),
    "grayscale": 0.1,
    "plain_target": True,
    "hp.threshold": 0.8,
    "hp.evenness": 0.01,
    "hp.warm_up": False,
}

_OPERATIONS = (
    "RandAugment's operations are those of torchvision, not of timm, which also inverts colors."
)
_STUDENT = "The source prints the student's accuracy, and predictions here are the teacher's."


def _sum(classes: int) -> Settings:
    """Return the weight of a gap that is a mean over classes, where the source adds them up."""
    return {"hp.trade_off": 3.0 * classes}


TLLIB_SELF_TRAINING: dict[str, Recipe] = {
    "fixmatch": printed_in(
        "fixmatch",
        FIXMATCH,
        {
            "office31": _fixmatch(20) | {"lr": 0.001, "neck": 256, "target_images": 3},
            "officehome": _fixmatch(20) | {"lr": 0.003, "neck": 1024},
            "visda2017": VISDA
            | _fixmatch(20)
            | {"lr": 0.003, "neck": 2048, "target_images": 2, "hp.threshold": 0.8}
            | {"target_crop_scale": ()},
        },
        _OPERATIONS,
    ),
    "mean_teacher": printed_in(
        "self_ensemble",
        MEAN_TEACHER,
        {
            "office31": _fast(10) | {"batch": 36} | _sum(31),
            "officehome": _fast(10) | {"batch": 36} | _sum(65),
            "visda2017": {"backbone": "resnet101"} | epochs(2e-4)(20) | _sum(12),
        },
        _STUDENT,
    ),
}
"""Recipes by method."""

TLLIB_SELF_TRAINING_VIT: dict[str, Recipe] = {
    "mean_teacher": printed_in(
        "self_ensemble",
        MEAN_TEACHER,
        {"officehome": VIT | _fast(30) | _sum(65)},
        f"{_STUDENT} {VIT_WEIGHTS}",
    ),
}
"""Recipes for ViT-B/16, by method."""
