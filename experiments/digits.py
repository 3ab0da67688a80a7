"""The digits protocol of the DANN paper (Ganin et al. 2016, section 5.2.2) on three tasks.

Cost: 18 runs, about an hour on 2 cores. Result: see the README. Three seeds on mnist-mnistm,
one on the others.

da sweep experiments/digits.py
da table experiments/digits.py
"""

from dataclasses import replace

from da.methods import Method, Network
from da.methods.dann import DANN
from da.methods.source_only import SourceOnly
from da.methods.subspace_alignment import SubspaceAlignment
from da.run import Run

SEEDS = {"mnist-mnistm": 3, "mnist-optdigits": 1, "synfont-mnist": 1}


def paper(method: Method.Hparams, task: str, seed: int) -> Run:
    """Network, batches, optimizer and schedules of the paper, which does not say how many steps."""
    return Run(
        method,
        task,
        backbone="lenet",
        init="random",
        regime="full",
        network=Network(neck=0, dropout=0, head=(100, 100)),
        steps=10_000,
        batch=64,
        optimizer="sgd",
        lr=0.01,
        momentum=0.9,
        weight_decay=0,
        schedule="annealing",
        look_every=1000,
        seed=seed,
    )


def aligned(source_only: Run) -> Run:
    """Subspace alignment of the features that `source_only` ends with, and a linear classifier."""
    return replace(
        source_only,
        method=SubspaceAlignment.Hparams(dimensions=60),
        init=source_only.id,
        regime="frozen",
        optimizer="adamw",
        lr=1e-3,
        schedule="constant",
        steps=2000,
        look_every=500,
    )


def runs() -> list[Run]:
    """For every task source-only, subspace alignment, DANN, and training on the target."""
    found = []
    for pair, seeds in SEEDS.items():
        target = pair.partition("-")[2]
        for seed in range(seeds):
            source_only = paper(SourceOnly.Hparams(), f"digits:{pair}", seed)
            found += [
                paper(DANN.Hparams(hidden=(100,)), f"digits:{pair}", seed),
                source_only,
                aligned(source_only),
                paper(SourceOnly.Hparams(), f"digits:{target}-{target}", seed),
            ]
    return list(dict.fromkeys(found))
