"""Compare strategies of transfer by the number of labels: one pretrained network, six data sets.

ImageNet EfficientNet-Lite0 is transferred to each emoji style (11 classes) and to Fashion-MNIST
(10), with 1, 5, 20 and all labeled images per class. There are 3 seeds. On frozen features, a
linear classifier or a small MLP is trained. Otherwise the last stage, the last two, all from the
top down, or the whole backbone is trained. A last strategy has no pretraining. Each strategy has
one setting for all data sets and all numbers of labels, and none is tuned: 60 steps of 32 images,
and a learning rate ten times lower for pretrained weights than for a new head.

The choice of labeled images does not change with the seed, so the deviation is from training alone.

Cost: 504 runs, an hour on 2 cores. Result, mean of the six, with 1, 5, 20 and all labels: frozen
linear 44.5, 58.3, 69.4, 74.9 %; last stage 49.7, 60.4, 72.0, 76.9; last two 41.7, 59.1, 72.2, 78.0;
full 37.8, 56.6, 71.2, 75.2; all are in docs/results/strategies.md.

da data emoji fashion_mnist
da sweep experiments/strategies.py
da table experiments/strategies.py
da plot experiments/strategies.py --against labels
"""

from itertools import product
from typing import Any

import da

STYLES = "noto", "twemoji", "fluent", "contrast", "openmoji"
LABELS = "+1label", "+5label", "+20label", ""
STEPS = 60

LINEAR = da.Network(neck=0, dropout=0)
MOVING = {"regime": "full", "network": LINEAR, "backbone_lr": 0.1}
STRATEGIES: dict[str, dict[str, Any]] = {
    "frozen linear": {"network": LINEAR},
    "frozen mlp": {"network": da.Network(neck=0, dropout=0, head=(512,), head_dropout=0.5)},
    "last stage": MOVING | {"tuning": da.FineTuning(last=1)},
    "last two": MOVING | {"tuning": da.FineTuning(last=2)},
    "gradual": MOVING | {"tuning": da.FineTuning(unfreeze_every=STEPS // 10)},
    "full": MOVING,
    "from scratch": MOVING | {"init": "random", "backbone_lr": 1.0},
}


def runs() -> list[da.Run]:
    """All strategies with all numbers of labels on all data sets, seed by seed."""
    data = [*(("emoji:" + style, 0) for style in STYLES), ("fashion_mnist", 48)]
    return [
        run(strategy, task + labels, side, seed)
        for seed, (task, side), labels, strategy in product(range(3), data, LABELS, STRATEGIES)
    ]


def run(strategy: str, task: str, side: int, seed: int) -> da.Run:
    """One run of a strategy."""
    return da.Run(
        da.methods.SourceOnly(),
        task,
        side=side,
        steps=STEPS,
        batch=32,
        lr=3e-3,
        schedule="cosine",
        eval_every=STEPS,
        seed=seed,
        **STRATEGIES[strategy],
    )


def name(one: da.Run) -> str:
    """The strategy of a run."""
    own = one.task, one.side, one.seed
    return next(strategy for strategy in STRATEGIES if run(strategy, *own) == one)
