"""CIFAR-10 by a ResNet-50 from ImageNet, all of it moved by SGD; mean and deviation 0.5 by hand.

A learning rate of 0.001, momentum 0.9, 64 images a step, 25 epochs. The weights want the mean and
the deviation of ImageNet, and each process says so once: it is how the recipe has it. Here 5,000 of
the 50,000 images validate.

Cost: 17,575 steps; hours on a GPU. Printed result: none. Ours: not run yet, for want of the data.

da sweep experiments/cifar10_resnet50.py
da table experiments/cifar10_resnet50.py --chosen-by last,source_accuracy
"""

from da.methods import Network
from da.methods.source_only import SourceOnly
from da.runs.run import Run

EPOCH = 45_000 // 64


def runs() -> list[Run]:
    """One run a seed."""
    return [
        Run(
            SourceOnly.Hparams(),
            "cifar10",
            backbone="resnet50",
            regime="full",
            side=224,
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
            augment="crop_flip",
            network=Network(neck=0, dropout=0),
            steps=25 * EPOCH,
            batch=64,
            optimizer="sgd",
            lr=1e-3,
            momentum=0.9,
            weight_decay=0.0,
            look_every=EPOCH,
            seed=seed,
        )
        for seed in range(3)
    ]
