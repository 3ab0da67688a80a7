"""Recipes of the authors' own code of DSAN, BNM and ATDOC."""

from typing import Any

from da.runs.printed.epochs import by_task, count_batches
from da.runs.printed.recipe import BEST_ON_TARGET, Recipe, Settings, train
from da.runs.printed.tllib import BASE

APART: Settings = {"neck_norm": False, "neck_relu": False, "bn": "separate", "lr": 0.01}
"""A neck that is a linear layer, and a pass for each domain."""

EPOCHS = 200


def _of_dsan(source: int, target: int) -> dict[str, int]:
    """Return the length of a run: one batch of each epoch of the source is left out."""
    each = count_batches(source, 32, whole=True) - 1
    return {"steps": EPOCHS * each, "eval_every": each}


DSAN = Recipe(
    "DSAN's authors (easezyc/deep-transfer-learning), UDA/pytorch1.0/DSAN/main.py, DSAN.py and "
    "data_loader.py.",
    {
        **{**BASE, **APART},
        "nesterov": False,
        "augment": "random_crop_flip",
        "test_crop": "whole",
        "mean": (0.0, 0.0, 0.0),
        "std": (1.0, 1.0, 1.0),
        "neck": 256,
        "weight_decay": 5e-4,
        "hp.trade_off": 0.5,
        "hp.steepness": 10.0,
    },
    by_task("office31", _of_dsan),
    "Rate and weight change at each step, as once an epoch there. All steps are taken; the code "
    "ends 30 epochs after the best target accuracy.",
    BEST_ON_TARGET,
)

RESIZED: Settings = {"augment": "crop_flip"}
SLOW: Settings = {"lr": 0.003}

BNM = Recipe(
    "BNM's authors (cuishuhao/BNM), DA/BNM/train_image.py, network.py, pre_process.py and README.",
    {
        **{**BASE, **APART},
        **train(6004, gamma=1e-3, every=400),
        "augment": "random_crop_flip",
        "neck": 0,
        "init_as": "cdan",
        "batch": 36,
        "weight_decay": 1e-3,
        "hp.trade_off": 1.0,
        "hp.average_over": "singular_values",
    },
    {
        "office31": {},
        "office31:amazon-dslr": SLOW,
        "office31:dslr-amazon": RESIZED,
        "office31:webcam-amazon": RESIZED,
        "office31:dslr-webcam": {**RESIZED, **SLOW},
        "office31:webcam-dslr": {**RESIZED, **SLOW},
        "officehome": {},
    },
    "In Office-31, both domains have the crops of the source; there, resized crops are those of "
    "dslr and webcam.",
    BEST_ON_TARGET,
)


def _of_atdoc(epochs: int, data: str) -> dict[str, dict[str, int]]:
    """Return the length of a run: epochs of the larger domain, and ten evaluations."""

    def lasting(source: int, target: int) -> dict[str, int]:
        steps = epochs * count_batches(max(source, target), 36, whole=True)
        return {"steps": steps, "eval_every": steps // 10}

    return by_task(data, lasting)


def _on_resnet101(lengths: dict[str, dict[str, int]]) -> dict[str, dict[str, Any]]:
    return {task: {"backbone": "resnet101", **length} for task, length in lengths.items()}


ATDOC = Recipe(
    "ATDOC's authors (tim-learn/ATDOC), demo_uda.py, utils.py and README, ATDOC-NA.",
    {
        **{**BASE, **APART},
        "augment": "random_crop_flip",
        "neck": 256,
        "init_as": "cdan",
        "label_smoothing": 0.1,
        "batch": 36,
        "weight_decay": 1e-3,
        "anneal_first": 1,
        "hp.trade_off": 0.2,
        "hp.neighbors": 5,
        "hp.temperature": 0.5,
    },
    {
        **_of_atdoc(50, "officehome"),
        **_of_atdoc(100, "office31"),
        **_on_resnet101(_of_atdoc(1, "visda2017")),
    },
    "Images that were not seen yet have features of 0, and random ones there.",
    "The code prints the last evaluation, the one with the least entropy of the target, and the "
    "best on the target: our `last`, `entropy` and `oracle`, of which the last uses target labels.",
)

CLOSED_SET: dict[str, Recipe] = {"dsan": DSAN, "bnm": BNM, "atdoc": ATDOC}
"""Recipes by method."""
