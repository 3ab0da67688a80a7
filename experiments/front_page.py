"""Run the nine methods of README's table on twenty tasks between five emoji styles, with 5 seeds.

Their runs are those of methods.py, with two seeds more.

Cost: 20 minutes per seed on 2 CPU cores. Result: see README.md.

da sweep experiments/front_page.py
da table experiments/front_page.py --chosen-by last,infomax,oracle
"""

from itertools import permutations, product

import da

NETWORK = da.Network(bn="separate")
STYLES = "noto", "twemoji", "fluent", "contrast", "openmoji"
METHODS = (
    da.methods.SourceOnly(),
    da.methods.MCC(),
    da.methods.CORAL(),
    da.methods.DAN(),
    da.methods.CDAN(),
    da.methods.DANN(),
    da.methods.CDANMCC(),
    da.methods.SDAT(),
    da.methods.FineTune(),
)


def runs() -> list[da.Run]:
    """Every method with its paper's settings, seed by seed; fine-tuning sees 3 images a class."""
    return [
        da.Run(
            method,
            f"emoji:{source}-{target}" + "+3shot" * method.owner.takes_shots,
            network=NETWORK,
            seed=seed,
        )
        for seed, (source, target), method in product(range(5), permutations(STYLES, 2), METHODS)
    ]
