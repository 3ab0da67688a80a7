"""Named sets of settings, for methods whose paper and libraries use different ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from da.config.network import Network
from da.methods import settings_class
from da.runs.run import Run


@dataclass(frozen=True)
class Recipe:
    """A complete set of settings for a method, and its source."""

    says: str
    """Where the settings are published, and how this project differs from the source."""
    settings: Mapping[str, Any]
    """Values for the fields of a `Run`, by name; `method` has those of the method's settings."""


_FINE_TUNED = {
    "backbone": "resnet50",
    "regime": "full",
    "side": 224,
    "augment": "crop_flip",
    "optimizer": "sgd",
    "momentum": 0.9,
}

_FROZEN = {"init": "pretrained", "augment": "none", "backbone_lr": 1.0}

RECIPES: dict[str, dict[str, Recipe]] = {
    "dann": {
        "paper": Recipe(
            "Ganin et al. 2016, section 5.2.2, MNIST network; eq. 9 adds up the domain losses. "
            "The paper does not give the number of steps.",
            {
                "method": {"hidden": (100,), "domain_loss": "sum"},
                "network": Network(neck=0, dropout=0, head=(100, 100)),
                "backbone": "lenet",
                "init": "random",
                "regime": "full",
                "batch": 64,
                "optimizer": "sgd",
                "lr": 0.01,
                "momentum": 0.9,
                "weight_decay": 0,
                "schedule": "annealing",
                "steps": 10_000,
                "eval_every": 1000,
            },
        ),
        "tllib": Recipe(
            "Transfer-Learning-Library, examples/domain_adaptation/image_classification/dann.py, "
            "tllib/alignment/dann.py, tllib/modules/domain_discriminator.py. The library uses "
            "Nesterov's momentum, and its learning rate falls to a tenth, here to a sixth.",
            _FINE_TUNED
            | {
                "method": {"hidden_norm": True, "steepness": 20},
                "network": Network(neck=256, dropout=0),
                "batch": 32,
                "lr": 0.01,
                "backbone_lr": 0.1,
                "weight_decay": 1e-3,
                "schedule": "annealing",
                "steps": 20_000,
                "eval_every": 1000,
            },
        ),
        "cdan": Recipe(
            "CDAN's authors, pytorch/train_image.py with method DANN and pytorch/network.py. Their "
            "code has Nesterov's momentum, Xavier's initial weights, and ten crops in testing. Its "
            "learning rate falls to 1/32, here to a sixth.",
            _FINE_TUNED
            | {
                "method": {"hidden_dropout": 0.5, "steepness": 100},
                "network": Network(
                    neck=256, dropout=0, neck_norm=False, neck_relu=False, bn="separate"
                ),
                "batch": 36,
                "lr": 0.01,
                "backbone_lr": 0.1,
                "weight_decay": 1e-3,
                "schedule": "annealing",
                "steps": 100_004,
                "eval_every": 500,
            },
        ),
        "dassl": Recipe(
            "Dassl.pytorch, dassl/engine/da/dann.py and dassl/modeling/head/mlp.py. For "
            "Office-31 (20 epochs of amazon) these are its settings of source_only, as it has none "
            "for DANN. The library shifts images, and does not crop them.",
            _FINE_TUNED
            | {
                "method": {
                    "hidden": (256, 256),
                    "hidden_norm": True,
                    "hidden_leak": 0.01,
                    "domain_loss": "sum",
                },
                "network": Network(neck=256, dropout=0, bn="separate"),
                "batch": 32,
                "lr": 0.002,
                "weight_decay": 5e-4,
                "steps": 1_760,
                "eval_every": 88,
            },
        ),
    }
}
"""Recipes by method, then by name."""


def build_run(method: str, name: str, *, task: str, seed: int = 0, **changes: Any) -> Run:
    """Build the run that a recipe describes, with `changes` to its settings.

    Args:
        method: Name of the method, such as dann.
        name: Name of the recipe: see `RECIPES`.
        task: Name of the task, such as emoji:noto-twemoji.
        seed: Seed of the run's random choices.
        **changes: Fields of `Run` that replace those of the recipe. With `regime="frozen"` the
            recipe's settings for training the backbone are left out.

    Raises:
        ValueError: For an unknown recipe.
    """
    if name not in RECIPES.get(method, {}):
        known = ", ".join(f"{m} {n}" for m, recipes in RECIPES.items() for n in recipes)
        raise ValueError(f"no recipe {method} {name}, known: {known}")
    settings = {**RECIPES[method][name].settings, "task": task, "seed": seed}
    settings["method"] = settings_class(method)(**settings["method"])
    if changes.get("regime") == "frozen":
        settings |= _FROZEN
    return Run(**settings | changes)
