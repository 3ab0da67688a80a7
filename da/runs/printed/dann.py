"""Recipes of DANN in its paper, and in a library that counts no steps."""

from da.runs.printed.recipe import Recipe

PAPER = Recipe(
    "Ganin et al. 2016, section 5.2.2, MNIST network; eq. 9 adds up the domain losses. The paper "
    "does not give the number of steps.",
    {
        "hp.hidden": (100,),
        "hp.domain_loss": "sum",
        "neck": 0,
        "dropout": 0.0,
        "head": (100, 100),
        "backbone": "lenet",
        "init": "random",
        "regime": "full",
        "batch": 64,
        "optimizer": "sgd",
        "lr": 0.01,
        "momentum": 0.9,
        "weight_decay": 0.0,
        "schedule": "annealing",
        "steps": 10_000,
        "eval_every": 1000,
    },
)

DASSL = Recipe(
    "Dassl.pytorch, dassl/engine/da/dann.py and dassl/modeling/head/mlp.py.",
    {
        "hp.hidden": (256, 256),
        "hp.hidden_norm": True,
        "hp.hidden_leak": 0.01,
        "hp.domain_loss": "sum",
        "neck": 256,
        "dropout": 0.0,
        "bn": "separate",
        "backbone": "resnet50",
        "regime": "full",
        "side": 224,
        "hold_out": False,
        "augment": "crop_flip",
        "optimizer": "sgd",
        "momentum": 0.9,
        "batch": 32,
        "lr": 0.002,
        "weight_decay": 5e-4,
        "steps": 1_760,
        "eval_every": 88,
    },
    ours="For Office-31 (20 epochs of amazon) these are its settings of source_only, as it has "
    "none for DANN. The library shifts images, and does not crop them.",
)
