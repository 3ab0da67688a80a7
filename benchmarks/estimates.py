"""Measure how far estimates of accuracy without labels are from the truth, on emoji tasks.

Each method trains on the twenty tasks with two seeds. Rules see the outputs for target test images,
and nothing of their labels. `python benchmarks/estimates.py` prints a row for each method and rule:
the mean estimate, the mean accuracy, the mean and the largest error in points, and how many of the
intervals hold the true accuracy. `--every 5` takes every fifth task. Records stay in `--results`.
"""

import argparse
from itertools import permutations
from pathlib import Path

import numpy as np

import da
from da.config.registry import METHODS
from da.evaluation import kept_outputs
from da.evaluation.source_confidence import summarize_confidence
from da.results.records import Record
from da.statistics.expected_accuracy import Expected, expect_accuracy, expect_agreement, log_odds

STYLES = "noto", "twemoji", "fluent", "contrast", "openmoji"
NETWORK = da.Network(bn="separate")
Judged = tuple[Expected, float]
"""An estimate, and the true accuracy in percent."""


def main() -> None:
    """Train what is missing and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", default=["source_only", "mcc"])
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--results", type=Path, default=Path("results/estimates"))
    told = parser.parse_args()
    tasks = [f"emoji:{a}-{b}" for a, b in permutations(STYLES, 2)][:: told.every]
    print("| method | rule | estimate | true | mean error | largest | inside |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for name in told.methods:
        found: dict[str, list[Judged]] = {}
        for task in tasks:
            method = METHODS[name].Hparams()
            runs = [da.Run(method, task, network=NETWORK, seed=seed) for seed in (0, 1)]
            both = da.sweep(runs, told.results, workers=1, outputs="last")
            for rule, judged in judge([*both], told.results):
                found.setdefault(rule, []).append(judged)
        for rule, each in found.items():
            print(render(name, rule, each))


def judge(both: list[Record], results: Path) -> list[tuple[str, Judged]]:
    """Return the estimates of each of two runs with the true accuracy."""
    found = []
    kept = [kept_outputs.load(r, results)[int(r.curve[-1]["step"])] for r in both]
    rows = [[*p.target_logits.softmax(1).numpy()] for p in kept]
    agreement = expect_agreement(*rows)
    for record, p, own in zip(both, kept, rows, strict=True):
        source = summarize_confidence(p.source_logits, p.source_y)
        rules = expect_accuracy(source, log_odds(own)) | {"agreement": agreement}
        true = record.curve[-1]["target_accuracy"]
        found += [(rule, (expected, true)) for rule, expected in rules.items()]
    return found


def render(name: str, rule: str, each: list[Judged]) -> str:
    """Render the row of a method and rule."""
    estimate, true = np.array([(expected.accuracy, t) for expected, t in each]).T
    error = np.abs(estimate - true)
    inside = np.mean([expected.low <= t <= expected.high for expected, t in each])
    numbers = estimate.mean(), true.mean(), error.mean(), error.max()
    cells = *(f"{number:.1f}" for number in numbers), f"{inside:.0%}"
    return f"| {name} | {rule} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
