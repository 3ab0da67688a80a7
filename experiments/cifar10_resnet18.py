"""CIFAR-10 by a ResNet-18 from ImageNet, all of it moved, its head begun by Xavier.

Random crops enlarged to 224 pixels and mirrored, 128 images a step, 10 epochs, learning rate 5e-4,
ten times that for the head. Where the result was printed the optimizer was not: SGD without
momentum and a weight decay of 1e-3 are those of the textbook (Zhang et al., Dive into Deep
Learning, 14.2) that the rest follows. Test images are enlarged to 256 pixels, of which the middle
224 are shown. Here 5,000 of the 50,000 images validate.

Cost: 3,516 steps; about a quarter of an hour on a GPU. Printed result: train accuracy 69.69 %, test
accuracy 82.83 %, 3273.3 samples/s on an RTX 3090. Ours: not run yet, for want of the data set.

da sweep experiments/cifar10_resnet18.py
da table experiments/cifar10_resnet18.py --chosen-by last,source_accuracy
"""

from da.methods import Network
from da.methods.source_only import SourceOnly
from da.runs.run import Run

EPOCH = 45_000 // 128


def runs() -> list[Run]:
    """One run a seed."""
    return [
        Run(
            SourceOnly.Hparams(),
            "cifar10",
            backbone="resnet18",
            regime="full",
            side=224,
            crop_pct=224 / 256,
            augment="crop_flip",
            network=Network(neck=0, dropout=0, head_init="xavier"),
            steps=10 * EPOCH,
            batch=128,
            optimizer="sgd",
            lr=5e-3,
            backbone_lr=0.1,
            momentum=0.0,
            weight_decay=1e-3,
            look_every=EPOCH,
            seed=seed,
        )
        for seed in range(3)
    ]
