"""Write checkpoints while a run trains, and go on from the last one."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim import Optimizer

from da.models.finetuning import release_stage
from da.ops.random import default_generator
from da.results.records import Point, Record
from da.runs.run import Run
from da.system.environment import environment
from da.system.signals import SignalExit, SignalWatch
from da.training.checkpoints import files
from da.training.checkpoints.files import About
from da.training.checkpoints.nodes import UnsavableError
from da.training.checkpoints.objects import Objects
from da.training.early_stopping import BestWeights
from da.training.engine import Log
from da.training.optimizers import backbone_options
from da.training.origin import describe_beginning, describe_machine
from da.training.processes import is_first, list_all, wait_for_all
from da.training.setup import Parts

MACHINE = "machine", "device", "instructions", "products", "torch"
"""What a record says of its machine that may round in another way."""


@dataclass
class Moving:
    """What moves in a training, next to the method and what belongs to its run."""

    optimizer: Optimizer
    """Optimizer of the method."""
    best: BestWeights
    """Best weights so far."""
    curve: list[Point] = field(default_factory=list)
    """Evaluations so far."""
    log: Log = field(default_factory=Log)
    """Losses since the last evaluation."""
    done: int = 0
    """Steps that were done before this process began."""
    seconds: float = 0.0
    """Seconds of all steps so far, evaluations left out."""
    since: float = 0.0
    """Time when steps began that are not in `seconds` yet."""

    def start(self) -> None:
        """Begin to count seconds."""
        self.since = time.perf_counter()

    def stop(self) -> None:
        """Add the seconds since the last start."""
        self.seconds += time.perf_counter() - self.since


class Checkpoints:
    """Checkpoints of a run in hand: the last one, if there is one, and those that are written.

    While `watch` is entered, a signal that asks the process to end is answered after the next step:
    by a checkpoint, and SignalExit. Of several processes only the first leaves so; the others go
    on until they are ended, or miss it.

    Args:
        run: Settings of the run.
        parts: Data and method of the run.
        results: Folder of its record.
        minutes: Minutes between checkpoints.
        restart: Whether to begin anew, and remove the checkpoints that are there.
        others: Further runs that are one training with it: parts of each, and its curve so far.

    Raises:
        ValueError: Processes of this training found different checkpoints.
    """

    def __init__(
        self,
        run: Run,
        parts: Parts,
        results: Path,
        minutes: float,
        *,
        restart: bool = False,
        others: Mapping[Run, tuple[Parts, list[Point]]] = {},
    ):
        self.run, self.parts, self.results, self.others = run, parts, results, others
        self.minutes, self.watch = minutes, SignalWatch()
        self.folder = files.run_folder(run.id, results)
        if restart and is_first():
            files.discard(run.id, results)
        wait_for_all()
        self.made_from = describe_beginning(run, parts) | {
            "version": environment()["da-lab"],
            "device": parts.device.type,
            "outputs": parts.collector.keep,
        }
        runs = [each.id for each in (run, *others)]
        self.found = files.read_newest(self.folder, self.made_from, runs)
        self.begun = self.found[0] if self.found else About(self.made_from, 0, 0.0, 0.0)
        _check_shared(self.begun)
        self.last = self.begun.step
        self.start = time.monotonic()
        self._wait()

    def resume(self, moving: Moving) -> None:
        """Bring a training to where the last checkpoint was made, if there is one.

        Args:
            moving: What moves in the training, as before its first step.
        """
        self.moving = moving
        own = {
            "method": self.parts.method,
            "best": moving.best,
            "collector": self.parts.collector,
            "predicted": self.parts.predicted,
        }
        own |= {f"collector of {o.id}": parts.collector for o, (parts, _) in self.others.items()}
        self.objects = Objects(**own)
        if self.found is not None:
            (about, state), self.found = self.found, None
            moving.done, moving.seconds = about.step, about.training_seconds
            self._release_stages(moving)
            more = self.objects.restore(state, self.parts.device)
            _set_optimizer(moving.optimizer, more["optimizer"])
            moving.log.unpack(more["log"])
            for run, curve in self._curves().items():
                curve[:] = about.curves[run]
            _set_random(more["random"], self.parts.device)

    def _release_stages(self, moving: Moving) -> None:
        """Give the optimizer the groups of the stages that were released."""
        tuning, options = self.run.tuning, backbone_options(self.run)
        for step in range(1, moving.done + 1) if tuning.unfreeze_every else ():
            release_stage(tuning, self.parts.method.backbone, step, moving.optimizer, options)

    def after_step(self, step: int) -> None:
        """Write a checkpoint if one is due, and leave if a signal asks for it.

        Raises:
            SignalExit: A signal came.
        """
        if time.monotonic() > self.due:
            self._write(step)
            self._wait()
        self.leave_if_asked(step)

    def leave_if_asked(self, step: int) -> None:
        """Write a checkpoint after a step and leave, if a signal asks for it.

        Raises:
            SignalExit: A signal came, and this is the first process.
        """
        if self.watch.received and is_first():
            self._write(step)
            raise SignalExit(self.watch.received)

    def complete(self, record: Record) -> Record:
        """Return the record of the run, with the time before the last checkpoint.

        Its environment says where the run began, if that is another machine.
        """
        then, now = self.begun.environment, record.environment
        other = {name: then[name] for name in MACHINE if then.get(name, now[name]) != now[name]}
        about = {"begun_on": ", ".join(other.values())} if other else {}
        seconds = record.seconds + self.begun.seconds / (1 + len(self.others))
        return replace(record, seconds=seconds, environment=now | about)

    def _curves(self) -> dict[str, list[Point]]:
        others = {other.id: curve for other, (_, curve) in self.others.items()}
        return {self.run.id: self.moving.curve, **others}

    def _wait(self) -> None:
        self.due = time.monotonic() + 60 * self.minutes

    def _write(self, step: int) -> None:
        """Write a checkpoint after a step, unless there is one; where it cannot be, say so.

        Of several processes, which all hold the same, the first one writes.
        """
        if step == self.last or not is_first():
            return
        self.last, moving = step, self.moving
        about = About(
            self.made_from,
            step,
            self.begun.seconds + time.monotonic() - self.start,
            moving.seconds + time.perf_counter() - moving.since,
            self.begun.environment or describe_machine(self.run, self.parts),
            self._curves(),
        )
        try:
            state = self.objects.state(
                optimizer=_optimizer_state(moving.optimizer),
                log=moving.log.pack(),
                random=_random_state(self.parts.device),
            )
            files.write(self.folder, about, state)
        except (UnsavableError, RecursionError, OSError) as error:
            files.say_unwritten(self.run.id, error)


def open_checkpoints(
    run: Run, parts: Parts, results: Path, minutes: float, **options: Any
) -> Checkpoints | None:
    """Return the checkpoints of a run, or None where it makes none.

    Args:
        run: Settings of the run.
        parts: Data and method of the run.
        results: Folder of its record.
        minutes: Minutes between checkpoints; 0 for none.
        options: Further arguments of `Checkpoints`.
    """
    if not minutes or run.cuda_graph or not parts.method.resumable:
        return None
    return Checkpoints(run, parts, results, minutes, **options)


def _check_shared(begun: About) -> None:
    """Check that all processes go on from one checkpoint, or all from the start."""
    found = list_all((begun.step, begun.seconds))
    if any(each != found[0] for each in found):
        steps = ", ".join(f"{step}" for step, _ in found)
        raise ValueError(
            f"processes found different checkpoints, after steps {steps} by rank: all need one "
            "folder of results"
        )


def _optimizer_state(optimizer: Optimizer) -> dict[str, Any]:
    """Return the state of an optimizer: options of its groups, and what it holds of each weight."""
    groups = optimizer.param_groups
    weights = [p for group in groups for p in group["params"]]
    return {
        "groups": [{k: v for k, v in group.items() if k != "params"} for group in groups],
        "weights": [dict(optimizer.state[p]) if p in optimizer.state else None for p in weights],
    }


def _set_optimizer(optimizer: Optimizer, state: dict[str, Any]) -> None:
    for group, options in zip(optimizer.param_groups, state["groups"], strict=True):
        group.update(options)
    weights = [p for group in optimizer.param_groups for p in group["params"]]
    for p, held in zip(weights, state["weights"], strict=True):
        if held is not None:
            optimizer.state[p] = held


def _random_state(device: torch.device) -> dict[str, Any]:
    return {
        "cpu": torch.default_generator.get_state(),
        "device": default_generator(device).get_state(),
        "numpy": np.random.get_state(),  # noqa: NPY002, which libraries may draw from
        "python": random.getstate(),
    }


def _set_random(state: dict[str, Any], device: torch.device) -> None:
    torch.default_generator.set_state(state["cpu"])
    default_generator(device).set_state(state["device"])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    random.setstate(state["python"])
