"""Adapt finished runs without their source, on the twenty tasks between five emoji styles, 3 seeds.

Features are those of a network from ImageNet, and each run begins with source_only of its task and
seed, as methods.py has it. All have the same budget and the settings of their papers. For dine that
run is a black box, which tells its predictions alone.

Cost: 360 runs, 8 minutes on 2 cores that had other work too. Result, mean of the twenty:
source_only 50.7 %, DINE 54.8, NRC 55.1, AaD 55.3, CoWA-JMDS 58.3, SHOT 60.3.

da sweep experiments/source_free.py
da table experiments/source_free.py
"""

from itertools import permutations, product

import da

NETWORK = da.Network(bn="separate")
STYLES = "noto", "twemoji", "fluent", "contrast", "openmoji"
BEGINNING = da.methods.SHOT(), da.methods.AaD(), da.methods.NRC(), da.methods.CoWAJMDS()
"""Methods that begin with the network of the run."""


def runs() -> list[da.Run]:
    """Seed by seed, the source's run of each task and then what is made of it."""
    return [
        run
        for seed, (source, target) in product(range(3), permutations(STYLES, 2))
        for run in on_task(f"emoji:{source}-{target}", seed)
    ]


def on_task(task: str, seed: int) -> list[da.Run]:
    """A run on the source, and every method once."""
    common = {"task": task, "network": NETWORK, "seed": seed}
    first = da.Run(da.methods.SourceOnly(), **common)
    begun = [da.Run(method, init=first.id, **common) for method in BEGINNING]
    return [first, *begun, da.Run(da.methods.DINE(teacher=first.id), **common)]
