"""Measure runs per hour by number of workers.

The runs are those of the emoji experiment from one style with one seed.

Cost: three minutes on 2 cores.
"""

import os

import torch

from da.system.environment import cores
from measure import Section, show
from sweep import differences, experiment_of, seconds, warm_up


def setups() -> list[tuple[int, int]]:
    """Workers and threads of each: one thread alone, one worker with all, doubling, every core."""
    all_cores = cores()
    counts = {1, all_cores} | {2**i for i in range(12) if 2**i <= all_cores}
    found = [(1, 1), *((n, max(1, all_cores // n)) for n in sorted(counts))]
    return list(dict.fromkeys(found))


def measure(quick: bool) -> Section:
    """The same runs with every setup."""
    load, threads = os.getloadavg()[0], torch.get_num_threads()
    rows: list[list[object]] = []
    times = []
    with experiment_of(quick) as (every, folder):
        runs = [run for run in every if run.seed == 0 and (quick or ":noto-" in run.task)]
        warm_up(runs, folder / "warm")
        for workers, each in setups():
            torch.set_num_threads(each)
            here = folder / f"{workers}x{each}"
            times.append(seconds(runs, here, workers=workers))
            gaps = differences(runs, folder / "1x1", here)
            faster = times[0] / times[-1]
            share = f"{100 * faster / (workers * each):.0f} %"
            cells = [f"{gap:.2g}" for gap in gaps.values()]
            rows.append(
                [f"{workers} x {each}", 3600 * len(runs) / times[-1], faster, share, *cells]
            )
        torch.set_num_threads(threads)
    columns = ("workers x threads", "runs an hour", "times faster", "efficiency", *gaps)
    notes = [
        f"{len(runs)} runs; start of the processes counted, features ready; efficiency: times "
        "faster than one thread, over threads; differences from its records",
        f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after",
    ]
    return Section("Workers", columns, rows, notes, {"seconds": times, "setups": setups()})


if __name__ == "__main__":
    show(measure)
