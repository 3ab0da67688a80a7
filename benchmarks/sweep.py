"""Measure runs per hour of the emoji experiment: with `da sweep`, and with one run after another.

One run after another is measured twice: with PyTorch's own matrix products, and with ours
(`da/ops/matmul.py`). The records of all three ways are compared.

Cost: ten minutes on 2 cores, for one of the experiment's three seeds, 140 of its 420 runs.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from PIL import Image

from da.methods import METHODS
from da.ops import matmul
from da.results import records
from da.runs import experiment
from da.runs.run import Run
from da.system.environment import cores
from da.training import setup, train
from da.training.sweep import sweep_outcomes
from measure import Bar, Section, show

PLAIN = "one run after another, PyTorch's products"
OURS = "one run after another, our products"
SWEEP = "da sweep as it is"
WAYS = PLAIN, OURS, SWEEP

SOURCES = "noto", "twemoji"
"""Whose runs, one after another, come before the sweep."""

EMOJI = Path(__file__).parents[1] / "experiments" / "emoji.py"


@contextmanager
def experiment_of(quick: bool) -> Iterator[tuple[list[Run], Path]]:
    """The runs and a folder for records: of the emoji experiment, or of a toy in a moment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not quick:
            yield experiment.load_experiment(EMOJI), folder
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
        yield Run(METHODS[name].Hparams(), task, side=32, steps=4, eval_every=2, batch=4, seed=seed)


def seconds(runs: Sequence[Run], folder: Path, **how: Any) -> float:
    """How long a sweep takes; raises RuntimeError where a run fails."""
    start = time.perf_counter()
    for outcome in sweep_outcomes(runs, folder, **how):
        if outcome.error:
            raise RuntimeError(f"{outcome.run}: {outcome.error}")
    return time.perf_counter() - start


def warm_up(runs: Sequence[Run], folder: Path) -> None:
    """Compute the features of every domain, which both ways find ready."""
    one_a_task = {run.task: replace(run, steps=1) for run in runs if run.regime == "frozen"}
    seconds(list(one_a_task.values()), folder, workers=1)


def differences(runs: Sequence[Run], one: Path, other: Path) -> dict[str, float]:
    """The largest difference of two folders' records at any evaluation, by what is compared."""
    found: dict[str, float] = {"target accuracy, points": 0, "loss, relative": 0}
    for run in runs:
        curves = [
            records.read(records.record_path(folder, run.id)).curve for folder in (one, other)
        ]
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
    return "largest difference of records at any evaluation: " + ", ".join(
        f"{name} {gap:.2g}" for name, gap in gaps.items()
    )


def one_by_one(runs: Sequence[Run], folder: Path, *, own: bool) -> float:
    """Seconds of one run after another, with our own products or with PyTorch's.

    On all cores, which `da train` leaves to others: its records would depend on their number.
    """
    with ExitStack() as changed:
        for module in (setup, train):
            changed.enter_context(patch.object(module, "run_threads", lambda run: nullcontext()))
        if not own:
            changed.enter_context(patch.object(matmul, "mkl_is_slow", lambda: False))
        start = time.perf_counter()
        for run in runs:
            records.save(train.train(run, quiet=True), folder)
        return time.perf_counter() - start


def measure(quick: bool) -> Section:
    """One run after another before the sweep and after it, in the opposite order, half of the runs
    each time, so that a machine that becomes slower or faster meanwhile favors no way.
    """
    spent = dict.fromkeys(WAYS, 0.0)
    load = os.getloadavg()[0]
    with experiment_of(quick) as (every, folder):
        runs = [run for run in every if quick or run.seed == 0]
        warm_up(runs, folder / "warm")
        ways: dict[str, Callable[[Sequence[Run]], float]] = {
            PLAIN: lambda some: one_by_one(some, folder / "plain", own=False),
            OURS: lambda some: one_by_one(some, folder / "ours", own=True),
            SWEEP: lambda some: seconds(some, folder / "sweep", workers=1 if quick else "auto"),
        }
        first, rest = _halves(runs)
        turns = (PLAIN, first), (OURS, first), (SWEEP, runs), (OURS, rest), (PLAIN, rest)
        for way, some in turns:
            spent[way] += ways[way](some)
        gaps = {way: differences(runs, folder / "plain", folder / way) for way in ("ours", "sweep")}
    count = len(runs)
    rows = [
        [way, 3600 * count / time, time, spent[PLAIN] / time, spent[OURS] / time]
        for way, time in spent.items()
    ]
    notes = [
        f"{count} of {len(every)} runs{' of a toy' if quick else ', fp32'}, {cores()} cores; "
        "features were ready; one after another: half of the runs before the sweep, half after it",
        *(f"{way} against plain products, {told(found)}" for way, found in gaps.items()),
        f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after",
    ]
    bars = [
        Bar("emoji experiment, fp32", way, 2.5, 4, None if quick else spent[way] / spent[SWEEP])
        for way in (PLAIN, OURS)
    ]
    columns = ("way", "runs an hour", "seconds", "times faster than the first", "than the second")
    return Section("The emoji experiment", columns, rows, notes, {"seconds": spent}, bars)


def _halves(runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """By source, as runs of one source share what is read of it."""
    first = [run for run in runs if run.task.partition(":")[2].partition("-")[0] in SOURCES]
    return first, [run for run in runs if run not in first]


if __name__ == "__main__":
    show(measure)
