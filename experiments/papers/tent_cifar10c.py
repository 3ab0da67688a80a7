"""Adapt a network of CIFAR-10 while its corrupted test images come, with the settings of TENT.

Table: TENT (Wang et al. 2021), README.md of its code: mean error of the 15 corruptions of
CIFAR-10-C at severity 5, each from the source model on, for WRN-28-10. Theirs is RobustBench's
"Standard"; the source here is trained by usual settings of that network, so its own error differs
too. Images come in the order of the files.

Files: CIFAR-10-C.tar and cifar-10-python.tar.gz below DA_DATA. `da data cifar10_c` fetches them.

GPU hours: about 2 on an H200, estimated as docs/reference/papers.md explains.

da sweep experiments/papers/tent_cifar10c.py
da table experiments/papers/tent_cifar10c.py
"""

import da

PAPERS = ("TENT (Wang et al., ICLR 2021), code release",)
"""The paper whose numbers stand below ours."""

CORRUPTIONS = (
    *("gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur"),
    *("motion_blur", "zoom_blur", "snow", "frost", "fog"),
    *("brightness", "contrast", "elastic_transform", "pixelate", "jpeg_compression"),
)
TARGETS = ",".join(f"{name}5" for name in CORRUPTIONS)
TASK = f"cifar10_c:clean-{TARGETS}+stream:listed,reset"
NETWORK = da.Network(neck=0, dropout=0)


def runs() -> list[da.Run]:
    """List the source model, statistics of each batch, and TENT, seed by seed."""
    return [run for seed in range(3) for run in with_seed(seed)]


def with_seed(seed: int) -> list[da.Run]:
    """Every row once."""
    source = da.Run(
        da.methods.SourceOnly(),
        TASK,
        backbone="wide_resnet28_10",
        init="random",
        regime="full",
        hold_out=False,
        augment="flip",
        network=NETWORK,
        optimizer="sgd",
        lr=0.1,
        weight_decay=5e-4,
        optimization=da.Optimization(nesterov=True),
        schedule="cosine",
        batch=128,
        steps=78_000,
        eval_every=78_000,
        seed=seed,
    )
    begun = {"init": source.id, "backbone": source.backbone, "network": NETWORK}
    norms = {"method": da.methods.BNAdapt()}
    return [
        source,
        da.recipes.run("tent", "authors", TASK, seed, **begun, **norms),
        da.recipes.run("tent", "authors", TASK, seed, **begun),
    ]
