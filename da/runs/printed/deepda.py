"""Recipes of DeepDA, the toolkit of jindongwang/transferlearning."""

from da.runs.printed.recipe import BEST_ON_TARGET, Recipe, Settings, train
from da.runs.printed.tllib import BASE

CODE: Settings = {
    **BASE,
    "nesterov": False,
    "augment": "random_crop_flip",
    "test_crop": "whole",
    "neck": 256,
    "neck_norm": False,
    "bn": "separate",
    "weight_decay": 5e-4,
}
"""What all of its methods share."""

FOLDER = "code/DeepDA"


def _recipe(
    name: str, settings: Settings, each: int = 500, gamma: float = 3e-4, ours: str = ""
) -> Recipe:
    """Return the recipe of a method.

    Args:
        name: Its name there.
        settings: Settings of the method.
        each: Steps of each of the 20 epochs.
        gamma: Gamma of the learning rate, per step.
        ours: What differs here.
    """
    source = f"DeepDA (jindongwang/transferlearning), {FOLDER}/{name}/{name}.yaml, main.py and "
    return Recipe(
        f"{source}models.py.",
        {**CODE, **train(20 * each, gamma=gamma, every=each), **settings},
        {"office31": {}, "officehome": {}},
        ours,
        BEST_ON_TARGET,
    )


ADVERSARY = {"hp.hidden": (256, 256), "hp.hidden_norm": True, "hp.steepness": 1.0}

DEEPDA: dict[str, Recipe] = {
    "dann": _recipe("DANN", {"lr": 0.01, "weight_decay": 1e-3, **ADVERSARY}, gamma=1e-3),
    "dan": _recipe(
        "DAN",
        {"lr": 0.003, "hp.trade_off": 0.5},
        ours="The discrepancy is without bias here, and counts images with themselves there.",
    ),
    "dsan": _recipe("DSAN", {"lr": 0.01, "hp.trade_off": 0.5, "hp.steepness": 1.0}),
    "coral": _recipe("DeepCoral", {"lr": 0.003, "hp.trade_off": 10.0}),
    "bnm": _recipe(
        "BNM", {"lr": 0.001, "hp.trade_off": 1.0, "hp.average_over": "singular_values"}, each=300
    ),
}
"""Recipes by method."""
