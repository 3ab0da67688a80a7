"""Recipes of authors' own code for test-time adaptation."""

from da.runs.printed.recipe import Recipe, Settings

STREAM: Settings = {
    "regime": "full",
    "steps": 1_000_000,
    "eval_every": 1_000_000,
    "weight_decay": 0.0,
    "momentum": 0.9,
}
"""A stream ends after its images, whatever the steps."""

ADAM: Settings = {**STREAM, "optimizer": "adam", "lr": 0.001, "batch": 200}
SGD: Settings = {**STREAM, "optimizer": "sgd", "lr": 0.00025, "batch": 64}

OURS = (
    "Backbone, neck and `init` are those of your source run. After the stream, the network has the "
    "mean statistics of the stream; predictions online are made as in the source."
)
SAR_CODE = "SAR's authors (mr-eggplant/SAR), main.py"
EATA = {"hp.margin": 0.4, "hp.redundancy": 0.05, "hp.trade_off": 2000.0, "hp.samples": 2000}
SAR = {"hp.margin": 0.4, "hp.rho": 0.05, "hp.collapse": 0.2, "hp.skip": 0.25}
VIT = {"lr": 0.001}
IMAGENET: dict[str, Settings] = {"imagenet_c": {}}

STREAMS: dict[str, Recipe] = {
    "tent": Recipe(
        "TENT's authors (DequanWang/tent), cfgs/tent.yaml.", ADAM, {"cifar10_c": {}}, OURS
    ),
    "eata": Recipe(f"{SAR_CODE} and EATA's, with batch norm.", {**SGD, **EATA}, IMAGENET, OURS),
    "sar": Recipe(f"{SAR_CODE}, ResNet-50.", {**SGD, **SAR}, IMAGENET, OURS),
    "cotta": Recipe(
        "CoTTA's authors (qinenergy/cotta), cifar/cfgs and imagenet/cfgs.",
        {**ADAM, "hp.keep": 0.999, "hp.augmentations": 32},
        {
            "cifar10_c": {"hp.restore": 0.01, "hp.threshold": 0.92},
            "cifar100_c": {"hp.restore": 0.01, "hp.threshold": 0.72},
            "imagenet_c": {
                **{"optimizer": "sgd", "nesterov": True, "lr": 0.01, "batch": 64},
                **{"hp.restore": 0.001, "hp.threshold": 0.1},
            },
        },
        OURS,
    ),
}
"""Recipes by method."""

SAR_RESNET: dict[str, Recipe] = {
    "tent": Recipe(f"{SAR_CODE}, method tent, ResNet-50.", SGD, IMAGENET, OURS)
}
"""What SAR's authors compare it with, on a ResNet-50."""

SAR_VIT: dict[str, Recipe] = {
    "tent": Recipe(f"{SAR_CODE}, method tent, ViT-B/16.", {**SGD, **VIT}, IMAGENET, OURS),
    "eata": Recipe(f"{SAR_CODE}, ViT-B/16.", {**SGD, **VIT, **EATA}, IMAGENET, OURS),
    "sar": Recipe(f"{SAR_CODE}, ViT-B/16.", {**SGD, **VIT, **SAR}, IMAGENET, OURS),
}
"""The same on a ViT."""
