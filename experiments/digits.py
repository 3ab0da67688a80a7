"""Run the digits protocol of the DANN paper (Ganin et al. 2016, section 5.2.2) on three tasks.

Cost: 36 runs, about an hour and a half on 2 cores. Result: see the README.

da sweep experiments/digits.py
da table experiments/digits.py
"""

from dataclasses import replace
from itertools import product

import da
from da.methods import Settings

PAIRS = "mnist-mnistm", "mnist-optdigits", "synfont-mnist"


def paper(method: Settings, task: str, seed: int) -> da.Run:
    """Network, batches, optimizer and schedules of the paper, which does not say how many steps."""
    return da.Run(
        method,
        task,
        backbone="lenet",
        init="random",
        regime="full",
        network=da.Network(neck=0, dropout=0, head=(100, 100)),
        steps=10_000,
        batch=64,
        optimizer="sgd",
        lr=0.01,
        momentum=0.9,
        weight_decay=0,
        schedule="annealing",
        eval_every=1000,
        seed=seed,
    )


def aligned(source_only: da.Run) -> da.Run:
    """Subspace alignment of the features that `source_only` ends with, and a linear classifier."""
    return replace(
        source_only,
        method=da.methods.SubspaceAlignment(dimensions=60, classifier="trained", standardize=True),
        init=source_only.id,
        regime="frozen",
        optimizer="adamw",
        lr=1e-3,
        schedule="constant",
        steps=2000,
        eval_every=500,
    )


def runs() -> list[da.Run]:
    """For every task source-only, subspace alignment, DANN, and training on the target."""
    found = []
    for pair, seed in product(PAIRS, range(3)):
        target = pair.partition("-")[2]
        source_only = paper(da.methods.SourceOnly(), f"digits:{pair}", seed)
        found += [
            source_only,
            aligned(source_only),
            paper(da.methods.DANN(hidden=(100,)), f"digits:{pair}", seed),
            paper(da.methods.SourceOnly(), f"digits:{target}-{target}", seed),
        ]
    return found
