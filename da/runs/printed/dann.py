"""The recipe of DANN in its paper."""

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
