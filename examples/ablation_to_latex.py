"""Vary the weight of MCC's loss on two toy shifts, and write the table as LaTeX.

python examples/ablation_to_latex.py ablation.tex
"""

import sys
from itertools import product
from pathlib import Path

import da

WEIGHTS = 0.0, 0.3, 1.0
TASKS = "moons:0-20", "moons:0-30"


def main(file: str) -> None:
    """Train every weight on every task with two seeds, and write the table."""
    runs = [
        da.Run(
            da.methods.MCC(trade_off=weight), task, "mlp", "random", "full", steps=100, seed=seed
        )
        for weight, task, seed in product(WEIGHTS, TASKS, range(2))
    ]
    Path(file).write_text(da.table(da.sweep(runs), format="latex"))


if __name__ == "__main__":
    main(*sys.argv[1:])
