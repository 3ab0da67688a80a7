"""Recipes of the library pytorch-adapt."""

from da.runs.printed.recipe import Recipe

OFF = 1e6
"""Steepness with which the reversed gradient has its whole strength from the second step on."""

EACH = 59_001 // 32
"""Steps of an epoch, which counts the images of MNIST-M."""

PYTORCH_ADAPT: dict[str, Recipe] = {
    "dann": Recipe(
        "pytorch-adapt (KevinMusgrave), examples/getting_started/DANNVanilla.ipynb, "
        "DANNLightning.ipynb, and src/pytorch_adapt/models.",
        {
            **{"backbone": "lenet", "init": "random", "regime": "full", "hold_out": False},
            **{"neck": 0, "dropout": 0.0, "head": (256, 128), "head_dropout": 0.5},
            **{"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
            **{"optimizer": "adam", "momentum": 0.9, "lr": 1e-4, "weight_decay": 0.0, "batch": 32},
            **{"hp.hidden": (256, 256), "hp.domain_loss": "sum", "hp.steepness": OFF},
        },
        {"digits_official": {"steps": 2 * EACH, "eval_every": EACH}},
        "The notebook begins with a network trained on MNIST, which the library downloads: `init` "
        "can name a run of source_only. Images have 32 pixels there and 28 here. The three losses "
        "are averaged there and added here, which Adam does not see. The score that the notebook "
        "prints is `infomax` here.",
    ),
}
"""Recipes by method."""
