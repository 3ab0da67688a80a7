"""The command that computes frozen features before a sweep."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from da.cli.options import Device, Experiment, Only, Results
from da.system.signals import SignalExit, exit_on_signals

if TYPE_CHECKING:
    from da.training.feature_files import Computes
    from da.training.planning.feature_needs import Need


def features(
    experiment: Experiment,
    results: Results = Path("results"),
    only: Only = (),
    device: Device = "auto",
    on: str = "local",
    resources: tuple[str, ...] = (),
) -> None:
    """Compute the frozen features that the runs of an experiment need, for the sweep that follows.

    Images are computed in shards, which stay if the command is stopped: the same command goes on.

    Args:
        on: Where features are computed: local for this machine, ray, or ray:ADDRESS.
        resources: What each network gets on a cluster, for example gpus=0.5 cpus=8 memory=16 (GB).
            There are as many networks as there is room for. Without gpus=, there is no GPU.
    """
    from da.runs import experiment as experiments
    from da.training.device import find_device
    from da.training.executors.choice import FOR_FEATURES, check_executor, open_features
    from da.training.feature_files import find_needs

    check_executor(on, resources, FOR_FEATURES)
    if on == "local":
        find_device(device)
    needs = find_needs(experiments.load_experiment(experiment, only), results)
    for need in needs:
        if need.stored:
            print(f"{_label(need)}, stored already")
    left = [need for need in needs if not need.stored and not need.is_to_come]
    later = sum(need.is_to_come for need in needs)
    if left:
        with open_features(on, resources, results, device) as where, exit_on_signals():
            _compute(left, where)
    if later:
        print(
            f"da: {later} more need weights of runs, which are not stored: give the command again "
            "after `da sweep --save-weights` of these"
        )
    print(f"{len(needs) - later} of {len(needs)} files of features are stored")


def _label(need: "Need") -> str:
    return f"{need.backbone} {need.domain}: {need.images:,} images"


def _compute(needs: "Sequence[Need]", where: "Computes") -> None:
    """Compute files of features, with a line on each."""
    from tqdm import tqdm

    from da.training.feature_files import compute_files

    images, seen = sum(need.images for need in needs), Counter["Need"]()
    start = time.perf_counter()
    steps = compute_files(needs, where)
    try:
        with closing(steps), tqdm(desc="images", total=images, disable=None, leave=False) as bar:
            for step in steps:
                bar.update(step.images)
                seen[step.need] += step.images
                if step.done:
                    now = time.perf_counter()
                    tqdm.write(_describe(step.need, seen.pop(step.need), now - start))
                    sys.stdout.flush()
                    start = now
    except (KeyboardInterrupt, SignalExit):
        print("da: shards that are done are kept; the same command goes on", file=sys.stderr)
        raise


def _describe(need: "Need", computed: int, seconds: float) -> str:
    """Describe a file of features that was made."""
    from da.models.features import features_file

    size = features_file(need.file).stat().st_size / 1e6
    rate = f"{computed / seconds:,.0f} images/s" if computed else "from shards that were there"
    return f"{_label(need)}, {size:,.1f} MB, {rate}"
