"""Classify CIFAR-10 with a ResNet-18 from ImageNet that is trained as a whole, with a Xavier head.

Training images are random crops, enlarged to 224 pixels and mirrored. There are 128 images per step
and 10 epochs. The learning rate is 5e-4, and ten times that for the head. The source of the printed
result does not name the optimizer. SGD without momentum and a weight decay of 1e-3 are those of the
textbook (Zhang et al., Dive into Deep Learning, 14.2) that the rest follows. Test images are
enlarged to 256 pixels, and the middle 224 are shown. Here 5,000 of the 50,000 images are for
validation.

Cost: 3,516 steps; about a quarter of an hour on a GPU. Printed result: train accuracy 69.69 %, test
accuracy 82.83 %, 3273.3 samples/s on an RTX 3090. Our result: not run yet, since the data set is
missing.

da sweep experiments/cifar10_resnet18.py
da table experiments/cifar10_resnet18.py --chosen-by last,source_accuracy
"""

import da

EPOCH = 45_000 // 128


def runs() -> list[da.Run]:
    """One run a seed."""
    return [
        da.Run(
            da.methods.SourceOnly(),
            "cifar10",
            backbone="resnet18",
            regime="full",
            side=224,
            crop_pct=224 / 256,
            augment="crop_flip",
            network=da.Network(neck=0, dropout=0, head_init="xavier"),
            steps=10 * EPOCH,
            batch=128,
            optimizer="sgd",
            lr=5e-3,
            backbone_lr=0.1,
            momentum=0.0,
            weight_decay=1e-3,
            eval_every=EPOCH,
            seed=seed,
        )
        for seed in range(3)
    ]
