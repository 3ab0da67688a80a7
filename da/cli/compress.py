"""Commands that make smaller models from finished runs."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from da.cli.options import (
    Device,
    Recorded,
    Results,
    Workers,
    check_outputs,
    describe_outcome,
    exit_with_failures,
    label_runs,
)

if TYPE_CHECKING:
    from da.results.records import Record
    from da.runs.run import Run


def prune(
    run: Recorded,
    sparsity: tuple[float, ...],
    structured: bool = False,
    steps: int | None = None,
    lr: float | None = None,
    results: Results = Path("results"),
    workers: Workers = "auto",
    device: Device = "auto",
) -> None:
    """Remove the smallest weights of a finished run, train the rest, and compare accuracy and cost.

    Args:
        sparsity: Shares of the weights to remove, for example 0.5 0.8 0.9; each makes a new run.
        structured: Remove that share of the channels of every layer instead of single weights.
            This makes the backbone faster.
        steps: Training steps of each new run; None for those of the finished run.
        lr: Learning rate of each new run; None for that of the finished run.
        workers: Number of processes; auto for what suits the cores and the memory of a GPU.
    """
    from da.deploy.compress import pruned_run

    parent, record = _find_run(run, results)
    changes = _drop_none(steps=steps, lr=lr)
    children = [
        replace(pruned_run(parent, share, structured=structured), **changes) for share in sparsity
    ]
    found = _sweep_runs(children, results, workers, device)
    kind = "channels" if structured else "weights"
    title = f"{parent.task}, {parent.backbone}: run {parent.id} less its smallest {kind}"
    labels = [f"{share:.4g}" for share in sparsity]
    _show(title, "sparsity", [("parent", record), *zip(labels, found, strict=True)], results)


def distill(
    run: Recorded,
    student: str,
    init: str = "pretrained",
    steps: int | None = None,
    lr: float | None = None,
    temperature: float | None = None,
    trade_off: float | None = None,
    results: Results = Path("results"),
    device: Device = "auto",
) -> None:
    """Train another backbone to predict what a finished run predicts on target images.

    Args:
        student: Name of the other backbone; see `da list backbones`.
        init: First weights of the student: pretrained, random, or the id of a run of that backbone.
        steps: Training steps of the student; None for those of the finished run.
        lr: Learning rate of the student; None for that of the finished run.
        temperature: Divisor of the logits before both softmaxes; None for the method's default.
        trade_off: Weight of the cross-entropy with source labels; None for the method's default.
    """
    from da.deploy import compress
    from da.methods.distill import Distill

    teacher, record = _find_run(run, results)
    hp = Distill.Hparams(teacher.id, **_drop_none(temperature=temperature, trade_off=trade_off))
    learns = replace(
        compress.student_run(teacher, student, hp, init), **_drop_none(steps=steps, lr=lr)
    )
    (found,) = _sweep_runs([learns], results, 1, device)
    rows = [("teacher", record), ("student", found)]
    _show(f"{teacher.task}: {student} taught by {teacher.backbone}", "network", rows, results)


def _find_run(run: str, results: Path) -> "tuple[Run, Record]":
    """Return a finished run and its record.

    Raises:
        ValueError: The run has no record, or its weights are gone.
    """
    from da.models import saved_weights
    from da.results import records
    from da.runs.provenance import recorded_run

    record = records.find(run, results)
    saved_weights.load_network_state(record.id, results)
    return recorded_run(record), record


def _drop_none(**options: Any) -> dict[str, Any]:
    """Return the options that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def _sweep_runs(
    runs: "Sequence[Run]", results: Path, workers: Workers, device: str
) -> "list[Record]":
    """Carry out the runs that have no record, store their weights, and return all records.

    Raises:
        ValueError: The settings of all runs that failed are mistakes.
        SystemExit: Runs failed in another way.
    """
    from da.cli.options import load_records
    from da.training.sweep import sweep_outcomes

    check_outputs(results, device)
    labels, failed = label_runs(runs), []
    for outcome in sweep_outcomes(runs, results, workers=workers, device=device, save_weights=True):
        if outcome.record:
            print(describe_outcome(labels[outcome.run.id], outcome), file=sys.stderr, flush=True)
        else:
            failed.append(outcome)
    if failed and all(outcome.error.startswith("ValueError: ") for outcome in failed):
        mistakes = dict.fromkeys(outcome.error.partition(": ")[2] for outcome in failed)
        raise ValueError("; ".join(mistakes))
    exit_with_failures([describe_outcome(labels[o.run.id], o) for o in failed])
    by_id = {record.id: record for record in load_records(runs, results)}
    return [by_id[run.id] for run in runs]


def _show(title: str, stub: str, rows: "list[tuple[str, Record]]", results: Path) -> None:
    from da.deploy import compress
    from da.results import table_render

    print(
        table_render.render_terminal(
            compress.comparison_table(title, stub, rows, results), bold=sys.stdout.isatty()
        )
    )
