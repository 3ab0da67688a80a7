"""Adapt to targets that lack five of the eleven kinds of emoji, on all twenty tasks, with 3 seeds.

The target has the first six classes by their letters; nobody tells the methods which. Features are
those of a network from ImageNet, and each domain is a batch of its own for batch norm, as in
methods.py.

Cost: 360 runs, 24 minutes on 2 cores that had other work too. Result, mean of the twenty:
source_only 50.6 %, DANN 46.6, PADA 49.8, MCC 52.1, BA3US 54.2.

da sweep experiments/partial.py
da table experiments/partial.py
"""

from itertools import permutations, product

import da

STYLES = "noto", "twemoji", "fluent", "contrast", "openmoji"
METHODS = (
    da.methods.SourceOnly(),
    da.methods.DANN(),
    da.methods.PADA(),
    da.methods.BA3US(),
    da.methods.MCC(),
    da.methods.CORALMap(),
)


def runs() -> list[da.Run]:
    """Every method with its paper's settings, seed by seed."""
    return [
        da.Run(
            method,
            f"emoji:{source}-{target}+partial6",
            network=da.Network(bn="separate"),
            seed=seed,
        )
        for seed, (source, target), method in product(range(3), permutations(STYLES, 2), METHODS)
    ]
