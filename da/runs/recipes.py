"""Settings on which a method's paper and its libraries differ, each a full choice with a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from da.methods import Network
from da.methods.dann import DANN
from da.runs.run import Run


@dataclass(frozen=True)
class Recipe:
    """One full choice of settings."""

    says: str
    """Where it is printed, and in what ours departs from it."""
    settings: Mapping[str, Any]
    """Of a `Run`."""


_FINE_TUNED = {
    "backbone": "resnet50",
    "regime": "full",
    "side": 224,
    "augment": "crop_flip",
    "optimizer": "sgd",
    "momentum": 0.9,
}

_AT_REST = {"init": "pretrained", "augment": "none", "backbone_lr": 1.0}

RECIPES: dict[str, dict[str, Recipe]] = {
    "dann": {
        "paper": Recipe(
            "Ganin et al. 2016, section 5.2.2, MNIST network; domain losses are added up in eq. 9. "
            "It does not say how many steps.",
            {
                "method": DANN.Hparams(hidden=(100,), domain_loss="sum"),
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
                "look_every": 1000,
            },
        ),
        "tllib": Recipe(
            "Transfer-Learning-Library, examples/domain_adaptation/image_classification/dann.py, "
            "tllib/alignment/dann.py, tllib/modules/domain_discriminator.py. There with Nesterov's "
            "momentum, and a rate that falls to a tenth, here to a sixth.",
            _FINE_TUNED
            | {
                "method": DANN.Hparams(hidden_norm=True, steepness=20),
                "network": Network(neck=256, dropout=0),
                "batch": 32,
                "lr": 0.01,
                "backbone_lr": 0.1,
                "weight_decay": 1e-3,
                "schedule": "annealing",
                "steps": 20_000,
                "look_every": 1000,
            },
        ),
        "cdan": Recipe(
            "CDAN's authors, pytorch/train_image.py with method DANN and pytorch/network.py. There "
            "with Nesterov's momentum, Xavier's weights, ten crops in testing, and a rate that "
            "falls to 1/32, here to a sixth.",
            _FINE_TUNED
            | {
                "method": DANN.Hparams(hidden_dropout=0.5, steepness=100),
                "network": Network(
                    neck=256, dropout=0, neck_norm=False, neck_relu=False, bn="separate"
                ),
                "batch": 36,
                "lr": 0.01,
                "backbone_lr": 0.1,
                "weight_decay": 1e-3,
                "schedule": "annealing",
                "steps": 100_004,
                "look_every": 500,
            },
        ),
        "dassl": Recipe(
            "Dassl.pytorch, dassl/engine/da/dann.py, dassl/modeling/head/mlp.py, and for Office-31 "
            "(20 epochs of amazon) its config of source_only, as DANN has none. There images are "
            "moved, not cropped.",
            _FINE_TUNED
            | {
                "method": DANN.Hparams(
                    hidden=(256, 256), hidden_norm=True, hidden_leak=0.01, domain_loss="sum"
                ),
                "network": Network(neck=256, dropout=0, bn="separate"),
                "batch": 32,
                "lr": 0.002,
                "weight_decay": 5e-4,
                "steps": 1_760,
                "look_every": 88,
            },
        ),
    }
}
"""Recipes of each method that has some, by name."""


def build_run(method: str, name: str, *, task: str, seed: int = 0, **changes: Any) -> Run:
    """The run that a recipe describes, but for `changes` to its settings.

    In regime frozen, where no backbone moves, what it says of that is left out. Raises ValueError
    for a recipe that there is not.
    """
    if name not in RECIPES.get(method, {}):
        known = ", ".join(f"{m} {n}" for m, recipes in RECIPES.items() for n in recipes)
        raise ValueError(f"no recipe {method} {name}, known: {known}")
    settings = {**RECIPES[method][name].settings, "task": task, "seed": seed}
    if changes.get("regime") == "frozen":
        settings |= _AT_REST
    return Run(**settings | changes)
