"""The page of experiments that reproduce tables of papers, with what they cost."""

import ast
import re
from collections.abc import Sequence
from pathlib import Path

from da.config.task_name import TaskName
from da.runs.experiment import load_experiment
from da.runs.run import Run
from tools.docs.markdown import NOTE, table

FOLDER = Path(__file__).parents[2] / "experiments" / "papers"

WORK = {
    "resnet34": 3.66,
    "resnet50": 4.09,
    "resnet101": 7.80,
    "vit_base_patch16_224": 17.56,
    "wide_resnet28_10": 5.24,
}
"""Billions of multiply-adds for an image, counted by `torch.utils.flop_counter`."""

RATE = 4_540
"""Images of ResNet-50 a second, of DANN in benchmarks/reports/2026-11-29_nvidia-h200.md."""

STREAMS = {"imagenet_c": 50_000, "imagenet_c5000": 5_000, "cifar10_c": 10_000}
"""Test images of each target that streams by."""

ESTIMATED = "estimated as docs/reference/papers.md explains."

PAGE = """{note}

# Tables of papers

Each file of `experiments/papers/` runs the methods of a printed table with the settings of the
recipes, on your copy of the data. [The guide](../guides/reproduce-a-table.md) shows how.

Hours are estimated, not measured. Training images are steps times images of a step; each counts as
much as its network has multiply-adds beside ResNet-50's; {rate:,} images of ResNet-50 a second are
those of DANN on an H200 in [speed](../results/speed.md). Evaluations, further passes of a method
in a step, and the decoding of images are left out.

{rows}
"""


def render_page() -> str:
    """Return the page."""
    heads = "file", "what it runs", "runs", "million images", "GPU hours, estimated"
    rows = [_row(file) for file in list_files()]
    return PAGE.format(note=NOTE, rate=RATE, rows=table(heads, rows, numbers=(2, 3, 4)))


def fill_headers() -> dict[Path, str]:
    """Return the text of each experiment, whose head says how many GPU hours it takes."""
    return {file: _fill(file.read_text(), load_experiment(file)) for file in list_files()}


def _fill(text: str, runs: Sequence[Run]) -> str:
    line = f"GPU hours: {describe_hours(runs)} on an H200, {ESTIMATED}"
    return re.sub(r"^GPU hours: .*$", line, text, count=1, flags=re.MULTILINE)


def list_files() -> list[Path]:
    """List the experiments."""
    return sorted(FOLDER.glob("[a-z]*.py"))


def _row(file: Path) -> tuple[str, ...]:
    said = str(ast.get_docstring(ast.parse(file.read_text()))).partition("\n")[0]
    runs = load_experiment(file)
    images = sum(map(count_images, runs)) / 1e6
    return f"`{file.name}`", said, str(len(runs)), f"{images:,.1f}", describe_hours(runs)


def describe_hours(runs: Sequence[Run]) -> str:
    """Return the hours that runs take as text, or what is less than one."""
    hours = sum(count_images(run) * _weight(run) for run in runs) / RATE / 3600
    return f"about {hours:,.0f}" if hours >= 1 else "below 1"


def _weight(run: Run) -> float:
    """Return the work for an image as a multiple of that of ResNet-50; 0 for small networks."""
    return WORK.get(run.backbone.partition(".")[0], 0) / WORK["resnet50"]


def count_images(run: Run) -> int:
    """Return the images that a run trains on; one that comes twice counts twice."""
    name, method = TaskName.parse(run.task), run.method.owner
    if method.streams:
        return STREAMS[name.benchmark] * len(name.target.split(","))
    one = method.source_free or method.name == "source_only"
    return run.steps * run.batch * (1 if one else 2)
