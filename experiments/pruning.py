"""Measure accuracy against sparsity: remove single weights or whole channels, train again; 3 seeds.

A parent is an EfficientNet-Lite0 from ImageNet, trained as a whole with all labels of emoji:noto.
This is the strategy `full` of strategies.py. A child begins with the weights of its parent without
a share of them, those of least magnitude. It is then trained again as its parent was. So a child
has had twice the steps of its parent; a share of 0.1 shows about what these extra steps alone do.
No setting was tuned.

Cost: 33 runs, a quarter of an hour on 2 cores that had other work too. Result: the parent has
79.5 %. Without 0.1, 0.3, 0.5, 0.7 and 0.9 of the weights, children have 80.3, 81.8, 83.8, 81.8 and
70.7. Without these shares of the channels, they have 79.5, 66.7, 64.3, 53.8 and 23.2.

da data emoji
da sweep experiments/pruning.py
da table experiments/pruning.py
da plot experiments/pruning.py --against sparsity
"""

from dataclasses import replace

import da

SPARSITIES = 0.1, 0.3, 0.5, 0.7, 0.9


def runs() -> list[da.Run]:
    """Of every seed the parent, and then its children."""
    return [run for seed in range(3) for run in family(seed)]


def family(seed: int) -> list[da.Run]:
    """A parent, and what is left of it at every sparsity without single weights and channels."""
    parent = da.Run(
        da.methods.SourceOnly(),
        "emoji:noto",
        regime="full",
        network=da.Network(neck=0, dropout=0),
        steps=60,
        batch=32,
        lr=3e-3,
        backbone_lr=0.1,
        schedule="cosine",
        eval_every=60,
        seed=seed,
    )
    children = [
        replace(parent, init=parent.id, sparsity=sparsity, structured=structured)
        for structured in (False, True)
        for sparsity in SPARSITIES
    ]
    return [parent, *children]


def name(run: da.Run) -> str:
    """What was taken out of a run's network."""
    if not run.sparsity:
        return "parent"
    return "channels" if run.structured else "weights"
