"""Adapt between emoji styles with one or three labeled target images of each class, with 3 seeds.

`source_only` learns from the source and these images alone, half of each batch of either (S+T in
the papers), and so does every other method besides what it makes of the unlabeled images.
`fine_tune` learns from the source first and from these images then. Each task is there without
labeled images too. Features are those of a network from ImageNet, and each domain is a batch of its
own for batch norm, as in methods.py.

Cost: 240 runs, 9 minutes on 2 cores that had other work too. Result, mean of the four with three
images a class: source_only 65.3 %, AdaMatch 67.9, MME 68.3.

da sweep experiments/semi_supervised.py
da table experiments/semi_supervised.py
"""

from itertools import product

import da

PAIRS = "noto-twemoji", "twemoji-openmoji", "contrast-fluent", "openmoji-contrast"
SHOTS = "", "+1shot", "+3shot"
METHODS = (
    da.methods.SourceOnly(),
    da.methods.DANN(),
    da.methods.MCC(),
    da.methods.FixMatch(),
    da.methods.MME(),
    da.methods.AdaMatch(),
    da.methods.FineTune(),
)


def runs() -> list[da.Run]:
    """Every method with its paper's settings, seed by seed; fine_tune needs labeled images."""
    return [
        da.Run(method, f"emoji:{pair}{shots}", network=da.Network(bn="separate"), seed=seed)
        for seed, pair, shots, method in product(range(3), PAIRS, SHOTS, METHODS)
        if shots or not method.owner.takes_shots
    ]
