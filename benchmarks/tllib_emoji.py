"""Train by recipe `tllib` beside the scripts of Transfer-Learning-Library, on the same emoji.

    git clone https://github.com/thuml/Transfer-Learning-Library PATH
    PYTHONPATH=. python benchmarks/tllib_emoji.py --peer PATH

Both sides begin with the same weights, and see the same images as often. The scripts run as they
are, with their own settings; what differs is in `ARGUMENTS`. First each step is timed, with
nothing beside it. Then accuracies come from several processes at once. The report is written
anew after each run.
"""

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import date
from itertools import permutations, product
from pathlib import Path
from statistics import fmean
from typing import Any
from unittest.mock import patch

import torch

from da.data.batch import Batch
from da.runs.recipes import RECIPES, find_settings
from da.runs.run import Run
from da.system.cache import write_whole
from da.system.environment import cores, environment
from da.training import train as trainer
from da.training.setup import Parts, assemble
from report import HERE, machine
from tests.fidelity import train_tllib
from tests.fidelity.peer_tllib import REPOSITORY, SCRIPTS
from tests.fidelity.record import source
from tests.fidelity.train_tllib import Clock

METHODS = "source_only", "dann", "cdan", "mcc", "mdd"
TASKS = [f"emoji:{a}-{b}" for a, b in permutations(("noto", "contrast", "openmoji"), 2)]
SIDE, BATCH, WIDTH = 96, 32, 256

ARGUMENTS = f"--epochs 1 --train-resizing res. --val-resizing res. --resize-size {SIDE}"
"""Settings of the scripts that are not their own; and `--bottleneck-dim`, which erm has not."""

OURS: dict[str, Any] = {"backbone": "efficientnet_lite0", "side": SIDE, "augment": "flip"}
"""The same settings, as ours are named."""

MDD: dict[str, Any] = find_settings("mcc", "tllib", TASKS[0]) | {
    "dropout": 0.5,
    "head": (WIDTH,),
    "head_dropout": 0.5,
    "init_as": "mdd",
    "lr": 0.004,
    "weight_decay": 5e-4,
    "steps": 20_000,
    "anneal_gamma": 4.0,
    "hp.steepness": 20.0,
}
"""Settings of the script mdd.py, where no recipe says them."""

TIMED, SKIPPED = 45, 15
"""Steps of a run that is timed, and how many of them do not count."""

IN_TURN = "tllib", "tllib_ready", "da"
"""Who is timed: the scripts, their steps alone on ready batches, and ours."""

GRAPH = "da_graph"
"""Ours with the step as a CUDA graph, last, since an error of a graph can spoil what follows."""


@dataclass(frozen=True)
class Job:
    """A training of one side."""

    side: str
    method: str
    task: str
    steps: int
    seed: int
    peer: Path
    batch: int = BATCH
    skip: int = 1
    from_files: bool = False


def run_of(job: Job) -> Run:
    """Return the first steps of the recipe's run, on emoji."""
    known = "tllib" in RECIPES.get(job.method, {})
    settings = find_settings(job.method, "tllib", job.task) if known else dict(MDD)
    settings = {k: v for k, v in settings.items() if known or k not in ("hp.temperature",)}
    share = job.steps / settings["steps"]
    settings |= OURS | {"neck": 0 if job.method == "source_only" else WIDTH}
    if job.method == "mdd":
        settings["head"] = (WIDTH,)
    scaled = ("anneal_gamma", "hp.steepness")
    settings |= {name: settings[name] * share for name in scaled if name in settings}
    settings |= {"steps": job.steps, "eval_every": job.steps, "seed": job.seed}
    settings |= {"method": job.method, "task": job.task, "batch": job.batch}
    return Run.of(settings | {"cuda_graph": job.side == GRAPH})


def train(job: Job) -> dict[str, Any]:
    """Train, and return the accuracy and the seconds; or the error, which is a finding too."""
    clock = Clock(job.skip, job.steps)
    began = time.perf_counter()
    try:
        run = run_of(job)
        parts = assemble(run)
        torch.backends.cudnn.benchmark = False  # the scripts ask for it, our users do not
        side = _theirs if job.side.startswith("tllib") else _ours
        found = {"accuracy": side(job, run, parts, clock)}
    except Exception as error:
        found = {"error": f"{type(error).__name__}: {error}"[:600]}
    whole = time.perf_counter() - began
    about = {k: v for k, v in asdict(job).items() if k != "peer"}
    return about | found | {"of_step": clock.of_step, "seconds": clock.seconds, "whole": whole}


def _theirs(job: Job, run: Run, parts: Parts, clock: Clock) -> float:
    mean, std = (
        getattr(parts.method.backbone, name).flatten().tolist() for name in ("mean", "std")
    )
    more = ["-b", job.batch, "-i", job.steps, "-j", 2 if job.from_files else 0]
    more += ["--norm-mean", *mean, "--norm-std", *std]
    more += [] if job.method == "source_only" else ["--bottleneck-dim", WIDTH]
    with ExitStack() as stack:
        if job.side == "tllib_ready":
            stack.enter_context(patch("torch.utils.data.DataLoader", _ready(parts.device)))
        return train_tllib.train(
            job.peer,
            job.method,
            [*ARGUMENTS.split(), *map(str, more)],
            parts.task,
            parts.method,
            clock=clock,
            seed=job.seed,
            from_files=job.from_files,
        )


def _ready(device: torch.device) -> Any:
    """Return what stands for a loader: a list of batches on the device."""
    loader = torch.utils.data.DataLoader

    def load(data: Any, **settings: Any) -> list[Any]:
        batches = loader(data, **settings | {"num_workers": 0})
        return [(x.to(device), y.to(device)) for x, y in batches]

    return load


def _ours(job: Job, run: Run, parts: Parts, clock: Clock) -> float:
    batches, evaluate = trainer.run_batches, trainer.evaluate

    def noted(*arguments: Any) -> Iterator[Batch]:
        clock.start()
        for i, batch in enumerate(batches(*arguments)):
            if i:
                clock.tick()
            yield batch

    def after(*arguments: Any) -> Any:
        clock.stop()
        return evaluate(*arguments)

    with patch.object(trainer, "run_batches", noted), patch.object(trainer, "evaluate", after):
        curve, _ = trainer.fit(run, parts, quiet=True)
    return float(curve[-1]["target_accuracy"])


class Report:
    """The file that is written anew after each run."""

    def __init__(self, file: Path, about: dict[str, Any]) -> None:
        self.file = file
        self.found: dict[str, Any] = about | {"timing": [], "runs": []}

    def add(self, part: str, found: dict[str, Any]) -> None:
        """Add a run, and tell of it."""
        self.found[part].append(found)
        result = found.get("error") or f"{found['accuracy']:.1f} %"
        print(
            f"{part} {found['side']} {found['method']} {found['task']} seed {found['seed']}: "
            f"{result}, {1e3 * found['of_step']:.2f} ms a step, {found['whole']:.1f} s",
            flush=True,
        )
        with write_whole(self.file) as part_file:
            part_file.write_text(json.dumps(self.found, indent=1) + "\n")


def time_steps(report: Report, usual: Job, rounds: int, seconds: float) -> None:
    """Time each method's step on each side, in turns, for at most half of the time.

    Args:
        report: What notes it.
        usual: Steps and batch of each run.
        rounds: How often each is timed; the later ones are left out after a quarter of the time.
        seconds: The time.
    """
    begun = time.monotonic()
    for turn, method in product(range(rounds), METHODS):
        if time.monotonic() - begun > seconds / (4 if turn else 2):
            break
        for place in range(len(IN_TURN)):
            side = IN_TURN[(turn + place) % len(IN_TURN)]
            job = replace(usual, side=side, method=method, from_files=side == "tllib")
            report.add("timing", train(job))
    for method in METHODS if torch.cuda.is_available() and rounds else ():
        if time.monotonic() - begun > seconds / 2:
            break
        report.add("timing", train(replace(usual, side=GRAPH, method=method)))


def choose_steps(timing: list[dict[str, Any]], seconds: float, gain: float = 3) -> int:
    """Return how many steps each run can have, so that all of one seed end in time.

    Args:
        timing: What was timed.
        seconds: Time for all runs.
        gain: Trainings that processes side by side do in the time of one.
    """
    whole = [t for t in timing if "accuracy" in t]
    of = {side: [t["of_step"] for t in whole if t["side"] == side] for side in IN_TURN}
    decoding = 0.02
    both = fmean(of["tllib_ready"] or [0.03]) + fmean(of["da"] or [0.03]) + decoding
    steps = gain * seconds / (len(METHODS) * len(TASKS) * both)
    return int(min(1000, max(200, steps // 50 * 50)))


def main() -> None:
    """Time, then train as many pairs as the time allows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", type=Path, required=True, help="clone of the library")
    parser.add_argument("--commit", help="its commit; as git says if not given")
    parser.add_argument("--out", type=Path, default=HERE / "reports", help="folder of the report")
    parser.add_argument("--steps", type=int, help="of each run; as the time allows if not given")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2, help="of the timing")
    parser.add_argument("--seconds", type=float, default=1e9, help="after which to stop")
    parser.add_argument("--processes", type=int, default=1, help="trainings side by side")
    parser.add_argument("--quick", action="store_true", help="few steps, to see that all runs")
    parser.add_argument("--tasks", type=int, default=len(TASKS), help="how many of the six")
    given = parser.parse_args()
    end = time.monotonic() + given.seconds
    script = f"{SCRIPTS}/dann.py"
    if not (given.peer / script).is_file():
        parser.error(f"{given.peer} is no clone of {REPOSITORY}")
    commit = given.commit or source(given.peer, REPOSITORY, script)["commit"]
    slug = "".join(c if c.isalnum() else "-" for c in machine().lower()).strip("-")
    about = {
        "date": date.today().isoformat(),
        "machine": machine(),
        "cores": cores(),
        "peer": {"repository": REPOSITORY, "commit": commit},
        "environment": environment(),
        "batch": BATCH,
        "side": SIDE,
        "threads": torch.get_num_threads(),
    }
    given.out.mkdir(parents=True, exist_ok=True)
    report = Report(given.out / f"{about['date']}_{slug}_tllib.json", about)
    usual = Job("", "", TASKS[0], TIMED, 0, given.peer, skip=SKIPPED)
    if given.quick:
        usual = replace(usual, steps=3, batch=4, skip=1)
    time_steps(report, usual, given.rounds, given.seconds)
    left = end - time.monotonic() - 20
    report.found["steps"] = steps = given.steps or choose_steps(report.found["timing"], left)
    print(f"{steps} steps a run, {left:.0f} s left", flush=True)
    every = product(range(given.seeds), TASKS[: given.tasks], METHODS, ("tllib", "da"))
    jobs = [
        Job(side, method, task, steps, seed, given.peer, usual.batch)
        for seed, task, method, side in every
    ]
    train_all(report, jobs, given.processes, end)


def train_all(report: Report, jobs: list[Job], processes: int, end: float) -> None:
    """Train in processes side by side, and end them when the time is over."""
    os.environ["OMP_NUM_THREADS"] = str(max(1, cores() // (2 * processes)))
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        results = pool.imap_unordered(train, jobs)
        for _ in jobs:
            try:
                report.add("runs", results.next(timeout=max(0.0, end - time.monotonic())))
            except multiprocessing.TimeoutError:
                print("the time is over", flush=True)
                break


if __name__ == "__main__":
    main()
