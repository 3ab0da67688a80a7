"""Classify a folder of images with a ResNet-50 from ImageNet, trained as a whole by SGD.

The folder is `images` in the working folder or under `DA_DATA`. It holds class folders, or train
and val with class folders in them. The learning rate is 0.001 and momentum is 0.9. The learning
rate falls to a tenth every 7 epochs of 1,000 images. There are 25 epochs in all, as is usual for
such folders. The best model is kept.

Cost: 375 steps. Printed result: none. Our result: not run yet, since there is no such folder.

da sweep experiments/imagefolder_resnet50.py
da table experiments/imagefolder_resnet50.py --chosen-by last,source_accuracy
"""

import da

EPOCH = 1_000 // 64


def runs() -> list[da.Run]:
    """One run a seed."""
    return [
        da.Run(
            da.methods.SourceOnly(),
            "imagefolder:images",
            backbone="resnet50",
            regime="full",
            side=224,
            augment="crop_flip",
            network=da.Network(neck=0, dropout=0),
            tuning=da.FineTuning(drop_every=7 * EPOCH, chosen_by="source_accuracy"),
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
