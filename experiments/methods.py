"""Every method on the twenty tasks between five emoji styles, ImageNet features frozen, 3 seeds.

One budget for all, with each paper's settings: 500 steps of 64 images of either domain. Each domain
has batch norms of its own in training (`bn=separate`). That was chosen by the label-free score
`infomax`: its mean over the 20 tasks is higher than with both domains in one batch for DANN, CDAN,
CORAL and MCD (1.71, 1.79, 1.42, 1.75 nats against 1.47, 1.68, 1.25, 1.21; seed 0). Left out are a
user's own methods, and peers, which bring ours.

Cost: see below. Result: the table in README.md.

da sweep experiments/methods.py
da table experiments/methods.py --cost
"""

from itertools import permutations, product
from typing import get_args

from da.method import Family
from da.methods import METHODS, OWN, Method, Network
from da.methods.source_only import SourceOnly
from da.run import Run

NETWORK = Network(bn="separate")
STYLES = "noto", "twemoji", "fluent", "contrast", "openmoji"


def methods() -> list[type[Method]]:
    """Those that stand in the package and need nothing that it does not bring, by family."""
    families = get_args(Family)
    ours = [METHODS[name] for name in OWN if METHODS[name].family != "peer"]
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
