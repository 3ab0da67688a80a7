"""Measure what bf16 costs in accuracy, for three methods on four emoji tasks with 3 seeds.

Cost: 72 runs, two minutes on 2 cores; the fp32 runs are those of the emoji experiment. Result:
means differ by 0.4 points at most, less than their deviation over seeds; see the README.

da sweep experiments/precision.py
da table experiments/precision.py
"""

from itertools import product
from typing import get_args

from da.methods.dann import DANN
from da.methods.mcc import MCC
from da.methods.source_only import SourceOnly
from da.ops.precision import Precision
from da.runs.run import Run

PAIRS = "noto-twemoji", "fluent-noto", "contrast-fluent", "openmoji-contrast"


def runs() -> list[Run]:
    """Every method with its paper's settings; precision alone differs."""
    return [
        Run(method.Hparams(), f"emoji:{pair}", precision=precision, seed=seed)
        for seed, pair, method, precision in product(
            range(3), PAIRS, (SourceOnly, DANN, MCC), get_args(Precision)
        )
    ]
