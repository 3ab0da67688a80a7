"""Every method on the twenty tasks between five emoji styles, ImageNet features frozen, 3 seeds.

One budget for all, with each paper's settings: 500 steps of 64 images of either domain. Of the
runs, 420 are those of emoji.py. A user's own methods are left out, and peers, which carry out the
same methods as ours.

Cost: not measured yet. Result: not measured yet.

da sweep experiments/methods.py
da table experiments/methods.py --cost
"""

from itertools import permutations, product
from typing import get_args

from da.method import Family
from da.methods import METHODS, OWN, Method
from da.methods.source_only import SourceOnly
from da.run import Run

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
    first = Run(SourceOnly.Hparams(), task, seed=seed).id
    return [
        Run(
            method.Hparams(),
            task + "+3shot" * method.takes_shots,
            init=first if method.source_free else "pretrained",
            seed=seed,
        )
        for method in methods()
    ]
