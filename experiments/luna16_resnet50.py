"""Nodules in CT scans by a ResNet-50 from ImageNet: frozen, then unfrozen from the top down.

The folder is `luna16` in the working folder or under `DA_DATA`, with the scans and their
candidates; numbers are on classes of equal size: see da/data/datasets/luna16.py. A hidden layer of
512, ReLU, dropout 0.5 and 2 classes; SGD with a learning rate of 0.001 and momentum 0.9, 50 epochs
of 2,000 patches. Once on features that are computed once; once with the backbone, of which a stage
more moves every 8 epochs.

Cost: 1,550 steps each. Printed result: none. Ours: not run yet, for want of the data set.

da sweep experiments/luna16_resnet50.py
da table experiments/luna16_resnet50.py --chosen-by last,source_accuracy
"""

from typing import Any

from da.methods import Network
from da.methods.source_only import SourceOnly
from da.models.finetuning import Tuning
from da.runs.run import Run

EPOCH = 2_000 // 64
PARTS: tuple[dict[str, Any], ...] = (
    {"regime": "frozen"},
    {"regime": "full", "tuning": Tuning(unfreeze_every=8 * EPOCH), "augment": "crop_flip"},
)


def runs() -> list[Run]:
    """What moves, a run a seed each."""
    return [
        Run(
            SourceOnly.Hparams(),
            "luna16:luna16",
            backbone="resnet50",
            side=224,
            network=Network(neck=0, dropout=0, head=(512,), head_dropout=0.5),
            steps=50 * EPOCH,
            batch=64,
            optimizer="sgd",
            lr=1e-3,
            momentum=0.9,
            weight_decay=0.0,
            look_every=5 * EPOCH,
            seed=seed,
            **moves,
        )
        for moves in PARTS
        for seed in range(3)
    ]
