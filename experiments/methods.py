"""Run every method on the twenty tasks between five emoji styles, on frozen features, with 3 seeds.

The features are those of a network from ImageNet. All methods have the same budget and the settings
of their papers: 500 steps of 64 images of either domain. Each domain is a batch of its own for
batch norm (`bn=separate`). The label-free score `infomax` chose that: over the 20 tasks of seed 0,
it is higher than with both domains in one batch for 14 of the 21 methods that it matters for. Their
mean is 1.69 nats against 1.54.

Left out are a user's own methods, peers (other libraries with methods that we have too), and
distillation, which needs a trained model to learn from.

Cost: 22 minutes per seed on 2 CPU cores, 66 in all. Result: source_only 50.7 %, DANN 60.0, CDAN
63.3, MCC 64.3, SDAT 64.7, CDAN with MCC 65.1; all are in README.md.

da sweep experiments/methods.py
da table experiments/methods.py --cost
"""

from itertools import permutations, product
from typing import get_args

from da.methods import METHODS, OWN, Method, Network
from da.methods.base import Family
from da.methods.source_only import SourceOnly
from da.runs.run import Run

NETWORK = Network(bn="separate")
STYLES = "noto", "twemoji", "fluent", "contrast", "openmoji"


def methods() -> list[type[Method]]:
    """Those that stand in the package and need nothing that it does not bring, by family."""
    families = get_args(Family)
    ours = [METHODS[name] for name in OWN if METHODS[name].family not in ("peer", "distillation")]
    return sorted(ours, key=lambda method: families.index(method.family))


def runs() -> list[Run]:
    """Seed by seed; fine-tuning sees 3 images a class, a source-free method a trained model."""
    return [
        run
        for seed, (source, target) in product(range(3), permutations(STYLES, 2))
        for run in on_task(f"emoji:{source}-{target}", seed)
    ]


def on_task(task: str, seed: int) -> list[Run]:
    """Every method once."""
    first = Run(SourceOnly.Hparams(), task, network=NETWORK, seed=seed).id
    return [
        Run(
            method.Hparams(),
            task + "+3shot" * method.takes_shots,
            init=first if method.source_free else "pretrained",
            network=NETWORK,
            seed=seed,
        )
        for method in methods()
    ]
