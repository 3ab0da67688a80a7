"""Classify nodules in CT scans with a ResNet-50 from ImageNet: frozen, or unfrozen from the top.

The folder is `luna16` in the working folder or under `DA_DATA`. It holds the scans and their
candidates. Results are on classes of equal size: see da/data/datasets/luna16.py. The head has a
hidden layer of 512, ReLU, dropout 0.5 and 2 classes. Training uses SGD with a learning rate of
0.001 and momentum 0.9, for 50 epochs of 2,000 patches. One variant trains on features that are
computed once. The other also trains the backbone, with one more stage every 8 epochs.

Cost: 1,550 steps each. Printed result: none. Our result: not run yet, since the data set is
missing.

da sweep experiments/luna16_resnet50.py
da table experiments/luna16_resnet50.py --chosen-by last,source_accuracy
"""

from typing import Any

import da

EPOCH = 2_000 // 64
PARTS: tuple[dict[str, Any], ...] = (
    {"regime": "frozen"},
    {"regime": "full", "tuning": da.FineTuning(unfreeze_every=8 * EPOCH), "augment": "crop_flip"},
)


def runs() -> list[da.Run]:
    """What moves, a run a seed each."""
    return [
        da.Run(
            da.methods.SourceOnly(),
            "luna16:luna16",
            backbone="resnet50",
            side=224,
            network=da.Network(neck=0, dropout=0, head=(512,), head_dropout=0.5),
            steps=50 * EPOCH,
            batch=64,
            optimizer="sgd",
            lr=1e-3,
            momentum=0.9,
            weight_decay=0.0,
            eval_every=5 * EPOCH,
            seed=seed,
            **moves,
        )
        for moves in PARTS
        for seed in range(3)
    ]
