"""Classify CIFAR-10 with a ResNet-50 from ImageNet that is trained as a whole by SGD.

The mean and the deviation of the colors are set to 0.5. The weights expect those of ImageNet, so
each process prints a warning once; the recipe wants it so. The learning rate is 0.001, momentum is
0.9, and there are 64 images per step and 25 epochs. Here 5,000 of the 50,000 images are for
validation.

Cost: 17,575 steps; hours on a GPU. Printed result: none. Our result: not run yet, since the data
set is missing.

da sweep experiments/cifar10_resnet50.py
da table experiments/cifar10_resnet50.py --chosen-by last,source_accuracy
"""

import da

EPOCH = 45_000 // 64


def runs() -> list[da.Run]:
    """One run a seed."""
    return [
        da.Run(
            da.methods.SourceOnly(),
            "cifar10",
            backbone="resnet50",
            regime="full",
            side=224,
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
            augment="crop_flip",
            network=da.Network(neck=0, dropout=0),
            steps=25 * EPOCH,
            batch=64,
            optimizer="sgd",
            lr=1e-3,
            momentum=0.9,
            weight_decay=0.0,
            eval_every=EPOCH,
            seed=seed,
        )
        for seed in range(3)
    ]
