"""Smaller networks from finished runs: the runs that make them, and a table of what they cost."""

from collections.abc import Sequence
from dataclasses import replace

from da.config.task_name import TaskName
from da.data import tasks
from da.data.transforms import to_eval_input
from da.deploy import cost
from da.methods import Method
from da.results.records import Record
from da.results.table_render import Cell, Group, Row, Table
from da.runs.run import Run
from da.runs.trained_model import load_trained_model


def pruned_run(parent: Run, sparsity: float, *, structured: bool = False) -> Run:
    """`parent` once more, begun with its weights less a share `sparsity` of them.

    All of it moves then; where the parent's features did not, they stay scaled as they were.
    Raises ValueError for a method that cannot be pruned.
    """
    unit = parent.unit_features or parent.regime == "frozen"
    child = replace(_moving(parent), unit_features=unit, init=parent.id)
    return replace(child, sparsity=sparsity, structured=structured)


def student_run(
    teacher: Run, backbone: str, method: Method.Hparams, init: str = "pretrained"
) -> Run:
    """`teacher` once more with another backbone and `method`, which learns from it."""
    name = TaskName.parse(teacher.task)
    task = str(name.without_labels() if name.kind == "shot" else name)
    return replace(_moving(teacher), method=method, task=task, backbone=backbone, init=init)


def _moving(run: Run) -> Run:
    """`run` where all of the backbone moves, with nothing pruned or scaled."""
    moving = replace(run, regime="full", views=0, unit_features=False)
    return replace(moving, sparsity=0.0, structured=False)


def comparison_table(title: str, stub: str, records: Sequence[tuple[str, Record]]) -> Table:
    """Accuracy and cost of finished runs, a row each under its label; the first is the measure.

    Raises ValueError where the weights of one were not kept.
    """
    networks = [load_trained_model(record.id) for _, record in records]
    settings = records[0][1].settings
    _, target = tasks.open_domains(settings["task"], settings["side"])
    x = to_eval_input(target.x[:1], networks[0].resize)
    times = cost.measure_latencies(networks, x)
    rows = []
    for (label, record), network, time in zip(records, networks, times, strict=True):
        cells = (
            Cell(record.curve[-1]["target_accuracy"]),
            Cell(cost.count_parameters(*network.parts), digits=0),
            Cell(cost.count_macs(network, x) / 1e6, digits=2),
            Cell(1e3 * time.seconds, digits=2),
            Cell(time.ratio, digits=2),
        )
        rows.append(Row(label, 0, cells, "1"))
    heads = "accuracy", "parameters", "MMACs", "ms", f"of {records[0][0]}"
    return Table(title, heads, tuple(rows), NOTES, (Group(stub, (0, 1, 2, 3, 4), heads),))


NOTES = (
    "accuracy: of target test images, in %, at the last look",
    "parameters: weights and biases that are not 0, of backbone, neck and head",
    "MMACs: millions of multiplications and additions for an image, those with 0 included",
    f"ms: for one image by one thread of this CPU, median of {cost.ROUNDS} rounds in which rows "
    "take turns; its dense kernels do not skip zeros",
)
"""What to know when reading the table."""
