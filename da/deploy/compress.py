"""Smaller networks from finished runs: the runs that train them, and a table of their costs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from da.config.fine_tuning import FineTuning
from da.config.task_name import TaskName
from da.data import tasks
from da.data.reading import Reading
from da.data.stored_rows import take_first
from da.data.transforms import to_eval_input
from da.deploy import cost
from da.methods import Method
from da.results.records import Record
from da.results.table_render import Cell, Group, Row, Table
from da.runs.run import Run
from da.runs.trained_model import load_model


def pruned_run(parent: Run, sparsity: float, *, structured: bool = False) -> Run:
    """Return the run that trains `parent` again from its weights after pruning.

    The whole network is trained. Features stay scaled where the parent's backbone was frozen.

    Args:
        parent: Finished run whose weights are pruned.
        sparsity: Share of the weights that is removed, 0 to 1.
        structured: Whether to remove whole channels instead of single weights.

    Raises:
        ValueError: Where the method cannot be pruned.
    """
    unit = parent.unit_features or parent.regime == "frozen"
    child = replace(_moving(parent), unit_features=unit, init=parent.id)
    return replace(child, sparsity=sparsity, structured=structured)


def student_run(
    teacher: Run, backbone: str, method: Method.Hparams, init: str = "pretrained"
) -> Run:
    """Return the run that trains another backbone to learn from the run `teacher`.

    Args:
        teacher: Finished run whose task and settings the student takes.
        backbone: Backbone of the student.
        method: Settings of the method that learns from the teacher.
        init: Origin of the student's weights: `pretrained`, `random`, or a run's id.
    """
    name = TaskName.parse(teacher.task)
    task = str(name.without_labels() if name.kind == "shot" else name)
    return replace(_moving(teacher), method=method, task=task, backbone=backbone, init=init)


def _moving(run: Run) -> Run:
    """Return `run` with its whole backbone trained, and nothing pruned or scaled."""
    moving = replace(run, regime="full", views=0, unit_features=False)
    tuning = replace(run.tuning, moves="all", lora_rank=FineTuning.lora_rank)
    return replace(moving, sparsity=0.0, structured=False, tuning=tuning)


def comparison_table(
    title: str, stub: str, records: Sequence[tuple[str, Record]], results: Path = Path("results")
) -> Table:
    """Compare accuracy and cost of finished runs in a table, one row for each.

    Args:
        title: Title of the table.
        stub: Head of the column of labels.
        records: Label and record of each run; times are also given relative to the first.
        results: Folder of the records and weights.

    Raises:
        ValueError: Where the weights of a run were not stored.
    """
    networks = [load_model(record.id, results) for _, record in records]
    settings = records[0][1].settings
    _, target = tasks.open_domains(settings["task"], Reading.of(settings))
    x = to_eval_input(take_first(target.x, 1), networks[0].resize)
    times = cost.measure_latencies(networks, x)
    rows = []
    for (label, record), network, time in zip(records, networks, times, strict=True):
        cells = (
            Cell(record.curve[-1].get("target_accuracy")),
            Cell(cost.count_parameters(*network.parts), digits=0),
            Cell(cost.count_macs(network, x) / 1e6, digits=2),
            Cell(1e3 * time.seconds, digits=2),
            Cell(time.ratio, digits=2),
        )
        rows.append(Row(label, 0, cells, "1"))
    heads = "accuracy", "parameters", "MMACs", "ms", f"of {records[0][0]}"
    return Table(title, heads, tuple(rows), NOTES, (Group(stub, (0, 1, 2, 3, 4), heads),))


NOTES = (
    "accuracy: of target test images, in %, at the last evaluation",
    "parameters: weights and biases that are not 0, of backbone, neck and head",
    "MMACs: millions of multiplications and additions for an image, those with 0 included",
    f"ms: for one image by one thread of this CPU, median of {cost.ROUNDS} rounds in which rows "
    "take turns; its dense kernels do not skip zeros",
)
"""Notes below the table."""
