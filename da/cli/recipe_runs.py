"""The runs of `da train --recipe`: that of the recipe, and one that it begins with."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from da.cli.options import describe_record, label_runs
from da.cli.recipe_words import BEFORE

if TYPE_CHECKING:
    from da.runs.run import Run


def add_first_run(run: "Run", recipe: str) -> "list[Run]":
    """Return the runs that a run of a recipe stands for: one that it begins with, and itself.

    The first one has the same network and reads images in the same way.

    Args:
        run: The run; if its `init` is `BEFORE`, the first run's id takes its place.
        recipe: Name of the recipe; "" for none.
    """
    if not recipe or run.init != BEFORE:
        return [run]
    from da.runs import recipes

    method = run.method.owner.name
    frozen: dict[str, Any] = {"regime": "frozen"} if run.regime == "frozen" else {}
    usual = recipes.run(method, recipe, run.task, run.seed, init=BEFORE, **frozen).settings()
    own = {k: v for k, v in run.settings().items() if k in recipes.SHARED and v != usual[k]}
    first = recipes.first_run(method, recipe, run.task, run.seed, **(frozen | own))
    return [first, replace(run, init=first.id)]


def train_first(run: "Run", device: str, results: Path, checkpoint_minutes: float) -> None:
    """Train a run that another one begins with, and store it with its weights, unless it is there.

    Args:
        run: Settings of the run.
        device: Name of the device.
        results: Folder of the records.
        checkpoint_minutes: Minutes between checkpoints; 0 for none.
    """
    from da.models.saved_weights import weights_file
    from da.results import records
    from da.training.train import train

    (label,) = label_runs([run]).values()
    if records.exists(run.id, results) and weights_file(run.id, results).exists():
        print(f"begins with {label}, which is in {results}", file=sys.stderr)
        return
    print(f"begins with {label}, which trains first", file=sys.stderr)
    record = train(
        run,
        device=device,
        save_weights=True,
        results=results,
        checkpoint_minutes=checkpoint_minutes,
    )
    print(f"{describe_record(label, record)}, {records.record_path(results, run.id)}")
