"""Train by recipe `tllib` beside the scripts of Transfer-Learning-Library, on the same emoji.

    git clone https://github.com/thuml/Transfer-Learning-Library PATH
    PYTHONPATH=. python benchmarks/tllib_emoji.py --peer PATH

Both sides begin with the same weights, and see the same images as often. The scripts run as they
are, with their own settings; what differs is in `tllib_sides.py`. First each step is timed, with
nothing beside it. Then accuracies come from several processes at once. The report is written
anew after each run.
"""

import argparse
import json
import multiprocessing
import os
import re
import time
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from da.system.cache import write_whole
from da.system.environment import cores, environment
from report import HERE, machine
from tests.fidelity.peer_tllib import REPOSITORY, SCRIPTS
from tests.fidelity.record import source
from tllib_sides import BATCH, GRAPH, IN_TURN, METHODS, SIDE, TASKS, Job, train

TIMED, SKIPPED = 45, 15
"""Steps of a run that is timed, and how many of them do not count."""


class Report:
    """The file that is written anew after each run; one of the same day is continued."""

    def __init__(self, file: Path, about: dict[str, Any]) -> None:
        self.file = file
        self.found: dict[str, Any] = about | {"timing": [], "runs": []}
        if file.exists():
            self.found = json.loads(file.read_text())

    def has(self, part: str, job: Job) -> int:
        """Return how often a run is there already."""
        names = "side", "method", "task", "steps", "seed"
        wanted = [getattr(job, name) for name in names]
        whole = [run for run in self.found[part] if "accuracy" in run]
        return sum([run[name] for name in names] == wanted for run in whole)

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
            if report.has("timing", job) <= turn:
                report.add("timing", train(job))
    for method in METHODS if torch.cuda.is_available() and rounds else ():
        job = replace(usual, side=GRAPH, method=method)
        if time.monotonic() - begun < seconds / 2 and not report.has("timing", job):
            report.add("timing", train(job))


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
    parser.add_argument("--task", choices=TASKS, nargs="+", default=TASKS, help="some of the six")
    given = parser.parse_args()
    end = time.monotonic() + given.seconds
    script = f"{SCRIPTS}/dann.py"
    if not (given.peer / script).is_file():
        parser.error(f"{given.peer} is no clone of {REPOSITORY}")
    commit = given.commit or source(given.peer, REPOSITORY, script)["commit"]
    slug = "-".join(re.findall("[a-z0-9]+", machine().lower()))
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
    steps = given.steps or report.found.get("steps")
    report.found["steps"] = steps = steps or choose_steps(report.found["timing"], left)
    print(f"{steps} steps a run, {left:.0f} s left", flush=True)
    every = product(range(given.seeds), given.task, METHODS, ("tllib", "da"))
    jobs = [
        Job(side, method, task, steps, seed, given.peer, usual.batch)
        for seed, task, method, side in every
    ]
    train_all(report, [job for job in jobs if not report.has("runs", job)], given.processes, end)


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
