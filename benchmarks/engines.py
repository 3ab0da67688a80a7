"""Measure what an engine costs: one sweep of the emoji experiment on this machine and on Ray.

Ray has three nodes of one core each, all on this machine. So the local sweep has three processes.
In the last way one of the nodes is killed when half of the runs are there. The records of all ways
are compared.

Cost: ten minutes on 2 cores, for one of the experiment's three seeds, 140 of its 420 runs.
"""

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from da.runs.run import Run
from da.system.environment import cores
from da.training.sweep import sweep_outcomes
from measure import Bar, Section, show
from nodes import NODES, cluster_of_nodes
from sweep import differences, experiment_of, told, warm_up

LOCAL = f"--on local, {NODES} processes"
RAY = f"--on ray, {NODES} nodes"
KILLED = f"{RAY}, one killed halfway"


def seconds(
    runs: Sequence[Run], folder: Path, halfway: Callable[[], object] = bool, **how: Any
) -> float:
    """How long a sweep takes in which something happens halfway; RuntimeError where a run fails."""
    start = time.perf_counter()
    for done, outcome in enumerate(sweep_outcomes(runs, folder, **how), 1):
        if outcome.error:
            raise RuntimeError(f"{outcome.run}: {outcome.error}")
        if done == len(runs) // 2:
            halfway()
    return time.perf_counter() - start


def on_ray(runs: Sequence[Run], folder: Path, *, killed: bool) -> float:
    """Seconds of a sweep on a new cluster."""
    with cluster_of_nodes() as cluster:

        def kill() -> None:
            if killed:
                cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)

        return seconds(runs, folder, kill, on=f"ray:{cluster.address}")


def measure(quick: bool) -> Section:
    """On this machine before and after Ray, so that a slower machine meanwhile favors no way."""
    load = os.getloadavg()[0]
    with experiment_of(quick) as (every, folder):
        runs = [run for run in every if quick or run.seed == 0]
        warm_up(runs, folder / "warm")
        local = partial(seconds, workers=NODES)
        spent = {
            LOCAL: local(runs, folder / "here"),
            RAY: on_ray(runs, folder / "ray", killed=False),
            KILLED: on_ray(runs, folder / "killed", killed=True),
        }
        spent[LOCAL] = (spent[LOCAL] + local(runs, folder / "again")) / 2
        gaps = {
            way: differences(runs, folder / "here", folder / name)
            for way, name in ((RAY, "ray"), (KILLED, "killed"))
        }
    rows = [[way, took, took / spent[LOCAL]] for way, took in spent.items()]
    notes = [
        f"{len(runs)} of {len(every)} runs{' of a toy' if quick else ', fp32'}, {cores()} cores; "
        "features were ready; the cluster was up; local is the mean of before and after",
        *(f"{way} against local, {told(found)}" for way, found in gaps.items()),
        f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after",
    ]
    over = None if quick else spent[RAY] / spent[LOCAL]
    bars = [Bar("emoji experiment, time on Ray", LOCAL, 1.1, 1, over, better="less")]
    return Section("Engines", ("way", "seconds", "of local"), rows, notes, {"seconds": spent}, bars)


if __name__ == "__main__":
    show(measure)
