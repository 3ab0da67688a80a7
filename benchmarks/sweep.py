"""Runs an hour of the emoji experiment: `da sweep` as it is, and one run after another.

Cost: half an hour on 2 cores, 20 minutes of it one run after another. The experiment's records
both ways are compared too.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from da import experiment, records
from da.environment import cores
from da.methods import METHODS
from da.run import Run
from da.sweep import sweep
from measure import Bar, Section, show

EMOJI = Path(__file__).parents[1] / "experiments" / "emoji.py"


@contextmanager
def experiment_of(quick: bool) -> Iterator[tuple[list[Run], Path]]:
    """The runs and a folder for records: of the emoji experiment, or of a toy in a moment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not quick:
            yield experiment.runs(EMOJI), folder
            return
        before = dict(os.environ)
        os.environ["DA_HOME"] = str(folder / "home")
        try:
            yield list(_toy(folder)), folder
        finally:
            os.environ.clear()
            os.environ.update(before)


def _toy(folder: Path) -> Iterator[Run]:
    pixels = np.random.default_rng(0)
    for domain, label, i in product("ab", "xyz", range(4)):
        file = folder / domain / label / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.integers(256, size=(32, 32, 3), dtype=np.uint8)).save(file)
    for name, seed in product(("dann", "mcc", "coral_map"), range(2)):
        task = f"folder:{folder / 'a'}:{folder / 'b'}"
        yield Run(METHODS[name].Hparams(), task, side=32, steps=4, look_every=2, batch=4, seed=seed)


def seconds(runs: Sequence[Run], folder: Path, **how: Any) -> float:
    """How long a sweep takes; raises RuntimeError where a run fails."""
    start = time.perf_counter()
    for outcome in sweep(runs, folder, **how):
        if outcome.error:
            raise RuntimeError(f"{outcome.run}: {outcome.error}")
    return time.perf_counter() - start


def warm_up(runs: Sequence[Run], folder: Path) -> None:
    """Compute the features of every domain, which both ways find ready."""
    one_a_task = {run.task: replace(run, steps=1) for run in runs if run.regime == "frozen"}
    seconds(list(one_a_task.values()), folder, workers=1)


def differences(runs: Sequence[Run], one: Path, other: Path) -> dict[str, float]:
    """The largest difference of two folders' records at any look, by what is compared."""
    found: dict[str, float] = {"target accuracy, points": 0, "loss, relative": 0}
    for run in runs:
        curves = [records.read(records.path(folder, run.id)).curve for folder in (one, other)]
        for a, b in zip(*curves, strict=True):
            assert a.keys() == b.keys(), f"{run.id} has {list(a)} and {list(b)}"
            for key, gap in ((key, abs(a[key] - b[key])) for key in a):
                if key == "target_accuracy":
                    found["target accuracy, points"] = max(found["target accuracy, points"], gap)
                elif key.startswith("loss/"):
                    relative = gap / max(abs(a[key]), 1e-3)
                    found["loss, relative"] = max(found["loss, relative"], relative)
    return found


def told(gaps: dict[str, float]) -> str:
    """The note on how far records differ."""
    return "largest difference of records at any look: " + ", ".join(
        f"{name} {gap:.2g}" for name, gap in gaps.items()
    )


def measure(quick: bool) -> Section:
    """In turns: a seed one by one, everything as usual, the next seed one by one, and so on."""
    usual: list[float] = []
    by_seed = {}
    load = os.getloadavg()[0]
    with experiment_of(quick) as (runs, folder):
        warm_up(runs, folder / "warm")
        for seed in sorted({run.seed for run in runs}):
            some = [run for run in runs if run.seed == seed]
            by_seed[seed] = seconds(some, folder / "single", workers=1, grouped=False)
            if len(usual) < 2:
                together = folder / f"usual{len(usual)}"
                usual.append(seconds(runs, together, workers=1 if quick else "auto"))
        gaps = differences(runs, folder / "single", together)
    single = sum(by_seed.values())
    times = single / median(usual)
    rows = [
        ["one run after another, not grouped", 3600 * len(runs) / single, single, 1.0],
        ["da sweep as it is", 3600 * len(runs) / median(usual), median(usual), times],
    ]
    notes = [
        f"{len(runs)} runs{' of a toy' if quick else ', fp32'}, {cores()} cores; features were "
        "ready; one by one was measured seed by seed, and the whole sweep after each of two seeds",
        told(gaps),
        f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after",
    ]
    against = "one run after another, not grouped"
    bar = Bar("emoji experiment, fp32", against, 2.5, 4, None if quick else times)
    data = {"one by one": by_seed, "as it is": usual, "differences": gaps}
    columns = ("way", "runs an hour", "seconds", "times faster")
    return Section("The emoji experiment", columns, rows, notes, data, [bar])


if __name__ == "__main__":
    show(measure)
