"""Compute the files of frozen features that runs need, before any of them trains."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from da.models.feature_shards import Shards, compute_shard
from da.models.features import features_file, is_stored
from da.runs.run import Run
from da.system import memory
from da.system.locks import lock
from da.training.device import find_device
from da.training.planning.feature_needs import Need, list_needs, open_need
from da.training.planning.run_cost import Conditions
from da.training.setup import open_domains

Shard = tuple[Need, int]
"""A file of features, and the number of a shard of it."""


@runtime_checkable
class Computes(Protocol):
    """Where shards are computed."""

    def compute(self, shards: Sequence[Shard], /) -> Iterator[tuple[Shard, np.ndarray]]:
        """Compute shards, and yield each as it is there."""


class LocalFeatures:
    """This process.

    Args:
        results: Folder of the records, with the weights of runs.
        device: Name of the device: auto, cpu, cuda or the like.
    """

    def __init__(self, results: Path, device: str):
        self._results, self._device = results, device

    def compute(self, shards: Sequence[Shard]) -> Iterator[tuple[Shard, np.ndarray]]:
        """Compute shards, and yield each as it is there."""
        if find_device(self._device).type == "cpu":
            memory.keep_freed_memory()
        opened = lru_cache(maxsize=1)(lambda need: open_need(need, self._results, self._device)[1])
        for need, number in shards:
            yield (need, number), compute_shard(opened(need), number)


def find_needs(runs: Sequence[Run], results: Path) -> list[Need]:
    """Return the features that runs need, each file once; images are fetched and decoded.

    Args:
        runs: Runs of an experiment.
        results: Folder of the records, with the weights that runs begin with.

    Raises:
        ValueError: No run is of regime frozen, or the data of one is not available.
    """
    frozen = [run for run in runs if run.regime == "frozen"]
    if not frozen:
        raise ValueError("no run of the experiment is of regime frozen: others need no features")
    how = Conditions(results, runs={run.id: run for run in runs})
    opened = {(run.task, run.reading, run.test): run for run in frozen}
    domains = {key: open_domains(run) for key, run in opened.items()}
    found: dict[str, Need] = {}
    for run in frozen:
        for need in list_needs(run, domains[run.task, run.reading, run.test], how):
            found.setdefault(need.file, need)
    return [*found.values()]


@dataclass(frozen=True)
class Progress:
    """What has just been computed."""

    need: Need
    images: int
    """Number of images of the shard; 0 where all shards were there."""
    done: bool
    """Whether the file of the need is there now."""


def compute_files(needs: Sequence[Need], where: Computes) -> Generator[Progress, None, None]:
    """Compute files of features, and yield what was done after each shard.

    Shards that an earlier call left are not computed again. Another process that computes some of
    these files is waited for.

    Args:
        needs: Features whose weights are there, and that are not stored.
        where: Where shards are computed.

    Raises:
        ValueError: A node has other images, weights or code.
    """
    every = {need: Shards(features_file(need.file), need.images) for need in needs}
    with ExitStack() as held:
        for shards in sorted(every.values(), key=lambda shards: shards.file):
            held.enter_context(lock(shards.lock))
        left = {need: {*shards.list_missing()} for need, shards in every.items()}
        todo = [n for n in needs if left[n] and not is_stored(every[n].file, n.images)]
        for need in needs:
            if need not in todo:
                every[need].join()
                yield Progress(need, 0, True)
        for (need, number), x in where.compute([(n, i) for n in todo for i in sorted(left[n])]):
            shards = every[need]
            shards.save(number, x)
            left[need].discard(number)
            if not left[need]:
                shards.join()
            yield Progress(need, shards.size(number), not left[need])
