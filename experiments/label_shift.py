"""Re-weigh predictions and balance batches where classes have other frequencies in the target.

The source is noto, and the classes of each target have proportions that are drawn (Dirichlet, 1).
Under each method, predictions stay as they are, are weighed by frequencies that two estimators
find, or also come from batches that show all classes alike, as in RLSbench. Features are those of a
network from ImageNet, and each domain is a batch of its own for batch norm, as in methods.py.

Cost: 144 runs, 6 minutes on 2 cores.

da sweep experiments/label_shift.py
da table experiments/label_shift.py
"""

from itertools import product

import da

TARGETS = "twemoji", "fluent", "contrast", "openmoji"
METHODS = da.methods.SourceOnly(), da.methods.DANN(), da.methods.MCC()
SHIFTS = {
    da.LabelShift(): "",
    da.LabelShift("rlls"): ", weighed by rlls",
    da.LabelShift("em"): ", weighed by em",
    da.LabelShift("em", balance_every=50): ", weighed by em and balanced",
}


def runs() -> list[da.Run]:
    """Every method with its paper's settings and every treatment of the shift, seed by seed."""
    return [
        da.Run(
            method,
            f"emoji:noto-{target}+dirichlet1",
            network=da.Network(bn="separate"),
            shift=shift,
            seed=seed,
        )
        for seed, target, method, shift in product(range(3), TARGETS, METHODS, SHIFTS)
    ]


def name(one: da.Run) -> str:
    """The method of a run, and how it treats the shift."""
    return one.method.owner.name + SHIFTS[one.shift]
