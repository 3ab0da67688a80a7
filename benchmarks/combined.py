"""Measure what models reach together, next to choosing one of them, on every emoji task and seed.

The models are the last evaluations of the runs of `experiments/methods.py` that see no target
labels. Their records and outputs come from `da sweep experiments/methods.py`.

`python benchmarks/combined.py` writes `reports/combined.jsonl`, from which `make pages` makes the
table.
"""

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import Any

from da.cli.options import named_records
from da.evaluation import kept_outputs
from da.evaluation.predictions import accuracy
from da.runs.experiment import load_experiment
from da.selection.aggregate import RULES, combine, iwa_weights, stack_probabilities
from da.selection.combined import Combined, compare
from da.selection.members import group_members, load_outputs
from da.system.cache import write_whole

EXPERIMENT = Path(__file__).parents[1] / "experiments" / "methods.py"
REPORT = Path(__file__).with_name("reports") / "combined.jsonl"
CHOOSERS = "source_accuracy", "snd", "infomax", "oracle"
AUTHORS = 0.01
"""Cutoff of singular values in the code of IWA's authors."""


def main(results: Path, out: Path) -> None:
    """Write a line for each task and seed."""
    records = named_records(EXPERIMENT, load_experiment(EXPERIMENT), results)
    lines = []
    for at, members in group_members(records, every=False).items():
        lines.append(json.dumps(measure(compare(*at, members, [*RULES], results), results)))
        print(*at, flush=True)
    with write_whole(out) as file:
        file.write_text("".join(f"{line}\n" for line in lines))


def measure(found: Combined, results: Path) -> dict[str, Any]:
    """Return target accuracies in percent of single, chosen and combined models."""
    single = [member.point["target_accuracy"] for member in found.members]
    chosen = {name: found.pick(name).point["target_accuracy"] for name in CHOOSERS}
    pool = load_outputs(found.members, results)
    together = combine(stack_probabilities(pool, "target"), iwa_weights(pool, AUTHORS))
    y = kept_outputs.load_target(found.members[0].record, results).y
    combined = found.reached | {
        f"iwa, cutoff {AUTHORS} as in its authors' code": accuracy(together, y)
    }
    rows = {"source_only": found.baseline(), "mean of the models": fmean(single)}
    rows |= {f"chosen by {name}": value for name, value in chosen.items()} | combined
    about = {"task": found.task, "seed": found.seed, "models": len(single)}
    return about | {"rows": {name: round(value or 0.0, 2) for name, value in rows.items()}}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--out", type=Path, default=REPORT, help="file to write")
    main(**vars(parser.parse_args()))
