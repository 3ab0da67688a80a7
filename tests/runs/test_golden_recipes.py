"""The first ten losses of every recipe, so that a change of its settings or their code shows.

A recipe has its own network, optimizer, rates and method, on points instead of images.
After a change that is meant: `python -m tests.runs.test_golden_recipes` writes
golden_recipes.json anew, but for methods whose library is not installed.
"""

import json
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import pytest
import torch

from da.config.task_name import TaskName
from da.data import tasks
from da.data.batch import Batch, Labeled, TargetBatch, Unlabeled
from da.methods import METHODS, Method
from da.models.backbone import Features
from da.models.backbones.mlp import MLP
from da.runs.recipes import RECIPES, find_recipe, run
from da.runs.run import Run
from da.system.cache import write_whole
from da.training import engine
from da.training.earlier_runs import refresh_copies
from da.training.lr_schedule import lr_factor
from da.training.optimizers import build_optimizer
from da.training.setup import prepare_task
from tests.conftest import points, skip_without

ROUNDING = {"rel": 1e-4, "abs": 2e-6}
STEPS, SIZE, CLASSES = 10, 8, 3
SURE = 10
"""Factor of the classifier's weights, for methods that learn from certain predictions alone."""

QUIET = {("eata", "fisher"), ("sdat sdat", "confusion")}
"""Terms that ten steps hardly move, or that have no weight: of a method, or of one recipe."""

COMPARED = {"sdat sdat": 3, "sdat authors": 3}
"""Steps that are compared, where later ones differ by kinds of processors: the climb along the
whole network's gradient enlarges its rounding, to 1e-4 of the loss in the fourth step of one, and
in the sixth of the other."""

ENDS = {"mme": "+3shot"}
"""What a task of a method needs at its end."""

FILE = Path(__file__).with_name("golden_recipes.json")
COMMAND = "python -m tests.runs.test_golden_recipes"
EVERY = [(method, name) for method, some in RECIPES.items() for name in some]


def run_of(method: str, name: str) -> Run:
    """The run of a recipe, for the first data set of which its source has settings."""
    data = next(iter(find_recipe(method, name).data), "moons").partition(":")[0]
    benchmark, plus, end = data.partition("+")
    domains = "a,b-c" if end == "several" else "a-b" + plus + end
    begun = {"init": "0123456789ab"} if METHODS[method].source_free else {}
    own = "" if plus else ENDS.get(method, "")
    return run(method, name, f"{benchmark}:{domains}{own}", **begun)


def build(of: Run) -> Method:
    """The method of a run on points of width 5."""
    kind, sources = of.method.owner, len(TaskName.parse(of.task).sources)
    torch.manual_seed(0)
    backbone = Features(5) if kind.frozen_only else MLP(5, 16)
    m = of.method.build(backbone, CLASSES, of.network, sources)
    if {"threshold", "margin"} & vars(of.method).keys():
        with torch.no_grad():
            for weight in (p for p in m.head.parameters() if p.ndim == 2):
                weight *= SURE
    refresh_copies(m)
    if kind.taught:
        m.guide = torch.randn(5, CLASSES).__rmatmul__
    if kind.takes_names:
        m.take_names(torch.randn(CLASSES, m.width), 5.0)
    return m


def batches(m: Method, target_images: int = 1) -> list[Batch | TargetBatch]:
    """Ten of other points each, with so many target points for each source point."""
    g = torch.Generator().manual_seed(0)
    n = STEPS * SIZE
    y = torch.arange(2 * n) % CLASSES
    middles = 2 * torch.randn(CLASSES, 5, generator=g)[y]
    x_s, x_t = (middles + torch.randn(2 * n, 5, generator=g) + mean for mean in (0, 1))
    domains = [points(x, y, CLASSES) for x in (x_s, x_t)]
    task = prepare_task(m, tasks.build_task("moons:0-1", *domains))
    x_s, x_t, made = task.source_train.x, task.target_train.x, []
    strong = x_t + torch.randn(x_t.shape, generator=g) / 2
    for i in torch.arange(n).split(SIZE):
        j = (target_images * i[0] + torch.arange(target_images * SIZE)) % n
        target = Unlabeled(x_t[j], j, strong[j] if m.takes_strong else None)
        shots = Labeled(x_t[i], y[i]) if m.takes_shots else None
        source = Labeled(x_s[i], y[i], domain=i % 2 if m.takes_domains else None)
        made.append(TargetBatch(target) if m.source_free else Batch(source, target, shots))
    return made


def first_losses(method: str, name: str) -> dict[str, list[float]]:
    """Of each term, from the same weights on every machine."""
    of = run_of(method, name)
    m = build(of)
    steps = engine.fit(
        m,
        batches(m, of.optimization.target_images),
        build_optimizer(of, m),
        of.steps,
        1,
        rate=lr_factor(of, of.steps),
    )
    found: dict[str, list[float]] = {}
    for _, losses in islice(steps, STEPS):
        for term, value in losses.items():
            found.setdefault(term, []).append(float(f"{value.item():.7g}"))
    return found


@pytest.mark.parametrize(("method", "name"), EVERY)
def test_first_losses_are_what_they_were(method, name):
    skip_without(METHODS[method].needs)
    golden = json.loads(FILE.read_text())
    key = f"{method} {name}"
    assert key in golden, f"{key} has no golden losses yet: check it, then run {COMMAND}"
    found = first_losses(method, name)
    assert found.keys() == golden[key].keys(), f"if this is meant, run {COMMAND}"
    for term, then in golden[key].items():
        now, first = found[term][: COMPARED.get(key)], then[: COMPARED.get(key)]
        assert now == pytest.approx(first, **ROUNDING), f"if this is meant, run {COMMAND}"
        quiet = max(map(abs, then)) < 20 * ROUNDING["abs"]
        known = bool({(method, term), (key, term)} & QUIET)
        assert quiet is known, f"{term} does nothing here"


def test_no_golden_losses_of_recipes_that_are_gone():
    assert json.loads(FILE.read_text()).keys() <= {" ".join(key) for key in EVERY}


if __name__ == "__main__":
    losses = json.loads(FILE.read_text()) if FILE.exists() else {}
    for method, name in EVERY:
        if not (needs := METHODS[method].needs) or find_spec(needs):
            losses[f"{method} {name}"] = first_losses(method, name)
    every = {" ".join(key) for key in EVERY}
    lines = [f'"{key}": {json.dumps(losses[key])}' for key in sorted(losses) if key in every]
    with write_whole(FILE) as part:
        part.write_text("{\n" + ",\n".join(lines) + "\n}\n")
