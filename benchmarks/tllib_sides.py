"""A training of one side: by recipe `tllib`, or by a script of Transfer-Learning-Library."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from da.runs.recipes import find_settings
from da.runs.run import Run
from da.training import train as trainer
from da.training.setup import Parts, assemble
from tests.fidelity import train_tllib
from tests.fidelity.train_tllib import Clock

METHODS = "source_only", "dann", "cdan", "mcc", "mdd"
TASKS = [f"emoji:{a}-{b}" for a, b in permutations(("noto", "contrast", "openmoji"), 2)]
SIDE, BATCH, WIDTH = 96, 32, 256

ARGUMENTS = f"--epochs 1 --train-resizing res. --val-resizing res. --resize-size {SIDE}"
"""Settings of the scripts that are not their own; and `--bottleneck-dim`, which erm has not."""

OURS: dict[str, Any] = {"backbone": "efficientnet_lite0", "side": SIDE, "augment": "flip"}
"""The same settings, as ours are named."""

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
    settings = find_settings(job.method, "tllib", job.task)
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
        found: dict[str, Any] = {"accuracy": side(job, run, parts, clock)}
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

    def noted(*arguments: Any) -> Iterator[Any]:
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
