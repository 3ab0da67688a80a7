"""Commands that make smaller models of finished runs."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from da.cli.options import Device, Recorded, Results, Workers, check_outputs, describe_outcome

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
    """Take the smallest weights out of a finished run, train on, and compare what it costs.

    Args:
        sparsity: Shares of the weights that are taken out, each by a new run: 0.5 0.8 0.9.
        structured: Take that share of channels out of every layer, which makes the backbone faster.
        steps: Of the new runs, in place of the finished run's.
        lr: Of the new runs, in place of the finished run's.
    """
    from da.deploy.compress import pruned_run

    parent, record = _kept(run, results)
    changes = _given(steps=steps, lr=lr)
    children = [
        replace(pruned_run(parent, share, structured=structured), **changes) for share in sparsity
    ]
    found = _swept(children, results, workers, device)
    kind = "channels" if structured else "weights"
    title = f"{parent.task}, {parent.backbone}: run {parent.id} less its smallest {kind}"
    labels = [f"{share:.4g}" for share in sparsity]
    _show(title, "sparsity", [("parent", record), *zip(labels, found, strict=True)])


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
    """Train another backbone to predict of target images what a finished run does.

    Args:
        student: The backbone; see `da list backbones`.
        init: Where its weights begin: pretrained, random, or the id of a finished run with it.
        steps: In place of the finished run's.
        lr: In place of the finished run's.
        temperature: What logits are divided by before both softmaxes.
        trade_off: Weight of the cross-entropy with source labels.
    """
    from da.deploy import compress
    from da.methods.distill import Distill

    teacher, record = _kept(run, results)
    hp = Distill.Hparams(teacher.id, **_given(temperature=temperature, trade_off=trade_off))
    learns = replace(compress.student_run(teacher, student, hp, init), **_given(steps=steps, lr=lr))
    (found,) = _swept([learns], results, 1, device)
    rows = [("teacher", record), ("student", found)]
    _show(f"{teacher.task}: {student} taught by {teacher.backbone}", "network", rows)


def _kept(run: str, results: Path) -> "tuple[Run, Record]":
    """A finished run and its record; ValueError where it has none or its weights are gone."""
    from da.models import checkpoints
    from da.results import records
    from da.runs.run import Run

    record = records.find(run, results)
    checkpoints.load_network_state(record.id)
    return Run.of(record.settings), record


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _swept(runs: "Sequence[Run]", results: Path, workers: Workers, device: str) -> "list[Record]":
    """Records of `runs`, of which those are carried out that have none; their weights are kept."""
    from da.cli.options import load_records
    from da.training.sweep import sweep

    check_outputs(results, device)
    errors = set()
    for outcome in sweep(runs, results, workers=workers, device=device, keep=True):
        errors |= set() if outcome.record else {outcome.error.partition(":")[0]}
        print(describe_outcome(outcome), file=sys.stderr, flush=True)
    if errors:
        raise SystemExit(2 if errors == {"ValueError"} else 1)
    by_id = {record.id: record for record in load_records(runs, results)}
    return [by_id[run.id] for run in runs]


def _show(title: str, stub: str, rows: "list[tuple[str, Record]]") -> None:
    from da.deploy import compress
    from da.results import table_render

    print(
        table_render.render_terminal(
            compress.comparison_table(title, stub, rows), bold=sys.stdout.isatty()
        )
    )
