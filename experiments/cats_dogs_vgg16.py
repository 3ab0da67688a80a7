"""Classify cats and dogs with a VGG-16 from ImageNet: train its last layer, or all late layers.

The folder is `cats_and_dogs` in the working folder or under `DA_DATA`. It holds class folders, or
train, val and test with class folders in them. Training uses Adam with a learning rate of 1e-3, 32
images per step, and 10 epochs of 20,000 images. One variant computes the features of the hidden
layers once and trains a layer to 2 classes on them. The other keeps the first 15 layers as they
are, which ends in the third block, and trains the rest at a tenth of the learning rate.

Cost: 6,250 steps each. Printed result: none. Our result: not run yet, since the data set is
missing.

da sweep experiments/cats_dogs_vgg16.py
da table experiments/cats_dogs_vgg16.py --chosen-by last,source_accuracy
"""

from typing import Any

import da

EPOCH = 20_000 // 32
PARTS: tuple[dict[str, Any], ...] = (
    {"regime": "frozen"},
    {
        "regime": "full",
        "tuning": da.FineTuning(freeze=15),
        "backbone_lr": 0.1,
        "augment": "crop_flip",
    },
)


def runs() -> list[da.Run]:
    """What moves, a run a seed each."""
    return [
        da.Run(
            da.methods.SourceOnly(),
            "imagefolder:cats_and_dogs",
            backbone="vgg16",
            side=224,
            network=da.Network(neck=0, dropout=0),
            steps=10 * EPOCH,
            batch=32,
            lr=1e-3,
            weight_decay=0.0,
            eval_every=EPOCH,
            seed=seed,
            **moves,
        )
        for moves in PARTS
        for seed in range(3)
    ]
