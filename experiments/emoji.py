"""Run seven methods on the twenty tasks between five emoji styles, on frozen features, 3 seeds.

The features are those of a network from ImageNet.

Cost: 420 runs, 7 minutes on 2 cores. Result: see docs/results/emoji.md.

da sweep experiments/emoji.py
da table experiments/emoji.py
"""

from itertools import permutations, product

import da

STYLES = "noto", "twemoji", "fluent", "contrast", "openmoji"
METHODS = (
    da.methods.SourceOnly(),
    da.methods.CORALMap(),
    da.methods.SubspaceAlignment(),
    da.methods.CORAL(),
    da.methods.DANN(),
    da.methods.MCC(),
    da.methods.FineTune(),
)


def runs() -> list[da.Run]:
    """Every method with its paper's settings, seed by seed; fine-tuning sees 3 images a class."""
    return [
        da.Run(
            method,
            f"emoji:{source}-{target}" + "+3shot" * method.owner.takes_shots,
            seed=seed,
        )
        for seed, (source, target), method in product(range(3), permutations(STYLES, 2), METHODS)
    ]
