"""Cats and dogs by a VGG-16 from ImageNet: its last layer alone, or all after the first layers.

The folder is `cats_and_dogs` in the working folder or under `DA_DATA`, with class folders, or
train, val and test with class folders in them. Adam with a learning rate of 1e-3, 32 images a step,
10 epochs of 20,000 images. Either the features of the hidden layers are computed once and a layer
to 2 classes is trained on them; or the first 15 layers stay as they are, which ends in the third
block, and the rest moves at a tenth of the rate.

Cost: 6,250 steps each. Printed result: none. Ours: not run yet, for want of the data set.

da sweep experiments/cats_dogs_vgg16.py
da table experiments/cats_dogs_vgg16.py --chosen-by last,source_accuracy
"""

from typing import Any

from da.methods import Network
from da.methods.source_only import SourceOnly
from da.models.finetuning import Tuning
from da.runs.run import Run

EPOCH = 20_000 // 32
PARTS: tuple[dict[str, Any], ...] = (
    {"regime": "frozen"},
    {"regime": "full", "tuning": Tuning(freeze=15), "backbone_lr": 0.1, "augment": "crop_flip"},
)


def runs() -> list[Run]:
    """What moves, a run a seed each."""
    return [
        Run(
            SourceOnly.Hparams(),
            "imagefolder:cats_and_dogs",
            backbone="vgg16",
            side=224,
            network=Network(neck=0, dropout=0),
            steps=10 * EPOCH,
            batch=32,
            lr=1e-3,
            weight_decay=0.0,
            look_every=EPOCH,
            seed=seed,
            **moves,
        )
        for moves in PARTS
        for seed in range(3)
    ]
