"""Measure how far estimates of accuracy without labels are from the truth, on emoji tasks.

Each method of `METHODS` trains on the twenty tasks with two seeds, as in `experiments/methods.py`;
runs whose records and outputs are in `--results` are not trained again. Rules see the outputs for
target test images, and nothing of their labels.

`python benchmarks/estimates.py` writes `reports/estimates.jsonl`, from which `make pages` makes the
table. `--every 5` takes every fifth task.
"""

import argparse
import json
from collections.abc import Iterator
from itertools import permutations, product
from pathlib import Path
from typing import Any

import da
from da.evaluation import kept_outputs
from da.evaluation.source_confidence import summarize_confidence
from da.methods import settings_class
from da.results.records import Record
from da.statistics.expected_accuracy import expect_accuracy, expect_agreement, log_odds
from da.system.cache import write_whole

STYLES = "noto", "twemoji", "fluent", "contrast", "openmoji"
NETWORK = da.Network(bn="separate")
METHODS = "source_only", "mcc"
REPORT = Path(__file__).with_name("reports") / "estimates.jsonl"


def main(every: int, results: Path, out: Path) -> None:
    """Train what is missing and write a line for each estimate."""
    tasks = [f"emoji:{a}-{b}" for a, b in permutations(STYLES, 2)][::every]
    lines = []
    for name, task in product(METHODS, tasks):
        method = settings_class(name)()
        runs = [da.Run(method, task, network=NETWORK, seed=seed) for seed in (0, 1)]
        both = da.sweep(runs, results, workers=1, outputs="last")
        for estimate in judge([*both], results):
            lines.append(json.dumps({"method": name, "task": task} | estimate))
        print(name, task, flush=True)
    with write_whole(out) as file:
        file.write_text("".join(f"{line}\n" for line in lines))


def judge(both: list[Record], results: Path) -> Iterator[dict[str, Any]]:
    """Yield the estimates of each of two runs, in percent, with the true accuracy."""
    kept = [kept_outputs.load(r, results)[int(r.curve[-1]["step"])] for r in both]
    rows = [[*p.target_logits.softmax(1).numpy()] for p in kept]
    agreement = expect_agreement(*rows)
    for record, p, own in zip(both, kept, rows, strict=True):
        source = summarize_confidence(p.source_logits, p.source_y)
        rules = expect_accuracy(source, log_odds(own)) | {"agreement": agreement}
        for rule, found in rules.items():
            numbers = {"estimate": found.accuracy, "low": found.low, "high": found.high}
            true = {"true": record.curve[-1]["target_accuracy"]}
            yield {"seed": record.settings["seed"], "rule": rule} | {
                name: round(value, 2) for name, value in (numbers | true).items()
            }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every such task; 1 for all")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--out", type=Path, default=REPORT, help="file to write")
    main(**vars(parser.parse_args()))
