"""The command that tells what a sweep would cost."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from da.cli.options import (
    Device,
    Experiment,
    KeepOutputs,
    Only,
    Results,
    SaveWeights,
    Workers,
    check_workers,
)
from da.cli.train import find_done


def plan(
    experiment: Experiment,
    results: Results = Path("results"),
    only: Only = (),
    workers: Workers = "auto",
    device: Device = "auto",
    save_weights: SaveWeights = False,
    outputs: KeepOutputs = "auto",
    accept_old: bool = False,
    price: float = 0.0,
    prepare: bool = False,
    format: Literal["terminal", "json"] = "terminal",
) -> None:
    """Tell what a sweep of an experiment would cost: runs, time, room and money.

    Times are medians of earlier runs of a kind on this machine. A kind without such is measured by
    a few steps and evaluations, of which nothing is stored.

    Args:
        workers: Number of processes; auto for what suits the cores and the memory of a GPU.
        accept_old: Count records of other code or data as done, as `da sweep --accept-old` does.
        price: Price of the machine an hour, in any currency; 0 for none.
        prepare: Fetch and decode images that are not stored yet, to measure runs on them.
        format: Format of the plan: text for a terminal, or JSON with times in seconds.
    """
    from da.runs import experiment as experiments
    from da.training.device import find_device
    from da.training.planning.plan import build_plan
    from da.training.planning.plan_text import render_plan

    check_workers(workers)
    if not 0 <= price < float("inf"):
        raise ValueError(f"unknown price {price}, known: 0 and more")
    runs = experiments.load_experiment(experiment, only)
    find_device(device)
    again, _ = find_done(runs, results, accept_old)
    found = build_plan(
        runs,
        results,
        workers=workers,
        device=device,
        outputs=outputs,
        save_weights=save_weights,
        again=again,
        prepare=prepare,
    )
    if format == "json":
        paid = {"money": found.cost(price)} if price else {}
        print(json.dumps(asdict(found) | paid, indent=1))
    else:
        print(render_plan(found, price))
