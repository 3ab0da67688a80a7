"""Measure what bf16 costs in accuracy, for three methods on four emoji tasks with 3 seeds.

Cost: 72 runs, two minutes on 2 cores; the fp32 runs are those of the emoji experiment. Result:
means differ by 0.4 points at most, less than their deviation over seeds; see the README.

da sweep experiments/precision.py
da table experiments/precision.py
"""

from itertools import product
from typing import get_args

import da
from da.config.choices import Precision

METHODS = da.methods.SourceOnly(), da.methods.DANN(), da.methods.MCC()
PAIRS = "noto-twemoji", "fluent-noto", "contrast-fluent", "openmoji-contrast"


def runs() -> list[da.Run]:
    """Every method with its paper's settings; precision alone differs."""
    return [
        da.Run(method, f"emoji:{pair}", precision=precision, seed=seed)
        for seed, pair, method, precision in product(range(3), PAIRS, METHODS, get_args(Precision))
    ]
