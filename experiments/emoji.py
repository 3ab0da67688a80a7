"""Run seven methods on the twenty tasks between five emoji styles, on frozen features, 3 seeds.

The features are those of a network from ImageNet.

Cost: 420 runs, 7 minutes on 2 cores. Result: see the README.

da sweep experiments/emoji.py
da table experiments/emoji.py
"""

from itertools import permutations, product

from da.methods.coral import CORAL
from da.methods.coral_map import CORALMap
from da.methods.dann import DANN
from da.methods.fine_tune import FineTune
from da.methods.mcc import MCC
from da.methods.source_only import SourceOnly
from da.methods.subspace_alignment import SubspaceAlignment
from da.runs.run import Run

STYLES = "noto", "twemoji", "fluent", "contrast", "openmoji"
METHODS = SourceOnly, CORALMap, SubspaceAlignment, CORAL, DANN, MCC, FineTune


def runs() -> list[Run]:
    """Every method with its paper's settings, seed by seed; fine-tuning sees 3 images a class."""
    return [
        Run(
            method.Hparams(),
            f"emoji:{source}-{target}" + "+3shot" * method.takes_shots,
            seed=seed,
        )
        for seed, (source, target), method in product(range(3), permutations(STYLES, 2), METHODS)
    ]
