import os
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from da import methods
from da.config.registry import BACKBONES, DATASETS, SELECTORS
from da.config.registry import _scan as registry_scan
from da.data import tasks
from da.data.batch import Batch, Labeled, Unlabeled
from da.data.domain import Domain
from da.evaluation import scores
from da.evaluation.predictions import Predictions
from da.methods import METHODS, Method, Network
from da.models.backbone import Features
from da.models.backbones.mlp import MLP
from da.results.usual_scores import keep_usual
from da.training import setup
from da.training.setup import show_images

THREADS = int(os.environ.get("DA_TEST_THREADS", "1"))
"""As many as the tests run with, but where one asks for others."""
torch.set_num_threads(THREADS)

NUMERIC = {"ops", "methods", "golden", "known_shift", "engine", "multi_run", "sweep", "vmap"}
NUMERIC |= {
    "augment",
    "crops",
    "cuda_graph",
    "fidelity",
    "golden_recipes",
    "image_ops",
    "transforms",
    "views",
}
"""Folders and files of tests whose numbers a processor may round in its own way."""

OF_ALL_METHODS = {"methods", "known_shift", "golden", "vmap", "leak"}
"""Files of tests about methods, beside those that are named after a file of da/methods."""


EVERY_SCORE = {"contracts", "evaluation", "journeys", "selection"}
"""Folders of tests whose evaluations have the scores of all selectors."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests of numbers, `-m numeric`, and all tests about methods, `-m methods`.

    These are in such a file, or have a method as a parameter.
    """
    names = {file.stem.lstrip("_") for file in Path(methods.__file__).parent.glob("*.py")}
    files = OF_ALL_METHODS | names
    for item in items:
        given = item.callspec.params.values() if hasattr(item, "callspec") else ()
        one = any(isinstance(value, type) and issubclass(value, Method) for value in given)
        if one or item.path.stem.removeprefix("test_") in files:
            item.add_marker("methods")
        if {item.path.parent.name, item.path.stem.removeprefix("test_")} & NUMERIC:
            item.add_marker("numeric")
        if item.path.parent.name == "journeys":
            item.add_marker("journeys")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the outcomes that tests of faults counted."""
    reports = [r for every in terminalreporter.stats.values() for r in every]
    for report in reports:
        if getattr(report, "when", "") == "teardown":
            for name, counts in report.user_properties:
                terminalreporter.write_line(f"{report.nodeid.rpartition('/')[2]} {name} {counts}")


@pytest.fixture(autouse=True)
def _own_home(monkeypatch, tmp_path):
    """No test reads or writes the real cache, W&B account or working folder's runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.delenv("DA_DATA", raising=False)


@pytest.fixture
def every_score() -> None:
    """Evaluations have the scores of all selectors, as in a run of the user."""


@pytest.fixture(autouse=True)
def _usual_scores(request, monkeypatch):
    """Other tests than those of scores have the usual ones, and those of plug-ins.

    All of them take longer than what most tests are about.
    """
    folder = request.path.relative_to(Path(__file__).parent).parts[0]
    if folder in EVERY_SCORE or "every_score" in request.fixturenames:
        return

    def list_usual(seen: Predictions) -> list[str]:
        names = [name for name in keep_usual(SELECTORS, ()) if not scores.needs_runs(name)]
        return [name for name in names if scores.can_score(name, seen)]

    monkeypatch.setattr(scores, "list_scorable", list_usual)


@pytest.fixture
def plugins(monkeypatch, tmp_path) -> Iterator[Path]:
    """An empty folder of plug-ins, which are forgotten when the test has ended."""
    folder = tmp_path / "plugins"
    registries = METHODS, DATASETS, BACKBONES, SELECTORS
    for registry in registries:
        (folder / registry.kind).mkdir(parents=True)
    packages = [import_module(registry.package) for registry in registries]
    known, paths = {*sys.modules}, [list(package.__path__) for package in packages]
    monkeypatch.setenv("DA_PLUGINS", str(folder))
    registry_scan.cache_clear()
    yield folder
    registry_scan.cache_clear()
    for package, path in zip(packages, paths, strict=True):
        package.__path__[:] = path
    for name in {*sys.modules} - known:
        if sys.modules[name].__spec__ and str(folder) in str(sys.modules[name].__spec__.origin):
            del sys.modules[name]


@pytest.fixture
def names_as_noise(monkeypatch) -> None:
    """Classes have random embeddings, for methods that read names and backbones that cannot."""

    def embed(run, backbone, task, results) -> tuple[torch.Tensor, float]:
        g = torch.Generator().manual_seed(0)
        return torch.randn(len(task.classes), backbone.width, generator=g), 5.0

    monkeypatch.setattr(setup, "embed_names", embed)


def skip_without(library: str) -> None:
    """Skip the test where a library that a method needs is not installed."""
    if library:
        pytest.importorskip(library)


UNSURE = {
    "eata": {"margin": 1.0, "redundancy": 1.0},
    "sar": {"margin": 1.0, "collapse": 0.0},
    "rotta": {"every": 8},
}
"""Settings of methods that wait for more images, or for certain ones, than untrained ones see."""


def begin_with(kind: type[Method], id: str) -> dict[str, Any]:
    """Settings of a run of a method that begins with a finished run, or learns from it."""
    if kind.source_free and kind.taught:
        return {"method": kind.Hparams(teacher=id)}
    needs = kind.source_free or kind.taught
    return {"method": kind.Hparams(), **({"init": id} if needs else {})}


def build(kind: type[Method], device: str = "cpu", **hp) -> Method:
    """A small untrained method of features of width 5 and 3 classes; 8 images of each domain."""
    skip_without(kind.needs)
    hp = UNSURE.get(kind.name, {}) | hp
    torch.manual_seed(0)
    backbone = Features(5) if kind.frozen_only else MLP(5, 16)
    m = kind.Hparams(**hp).build(backbone, 3, Network(neck=8, dropout=0)).to(device)
    if kind.taught:
        m.guide = torch.randn(5, 3).to(device).__rmatmul__
    if kind.takes_names:
        m.take_names(torch.randn(3, m.width), 5.0)
    size = 40 if kind.frozen_only else 16  # maps need more images
    few = points(torch.randn(size, 5).to(device), torch.arange(size) % 3, 3)
    show_images(m, tasks.build_task("moons:0-1", few, few))
    return m


@pytest.fixture(params=METHODS.values(), ids=METHODS)
def method(request) -> Method:
    return build(request.param)


@pytest.fixture
def batch() -> Batch:
    g = torch.Generator().manual_seed(0)
    x_s, x_t, x_f = (m + torch.randn(8, 5, generator=g) for m in (0, 1, 1))
    y = torch.arange(8) % 3
    return Batch(Labeled(x_s, y), Unlabeled(x_t, torch.arange(8)), Labeled(x_f, y))


def points(x: torch.Tensor, y: torch.Tensor, classes: int = 2) -> Domain:
    """A domain of features: the first half trains, the second tests."""
    train, test = torch.arange(len(x)).chunk(2)
    rows = {"source_train": train, "source_test": test, "target_train": train, "target_test": test}
    return Domain(tuple(map(str, range(classes))), x, y, rows, "toy")


@pytest.fixture(scope="session")
def peer():
    """The layers of pytorch-adapt, whose import warns of what it is built on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pytorch_adapt import layers
    return layers


def normal(*shape: int, seed: int = 0, dtype=torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def domain_loss_after_moving(m, part: nn.Module, batch) -> float:
    """The domain loss once `part` alone has gone down its gradient of the domain loss."""
    m.zero_grad()
    m(batch, 1.0)["domain"].backward()
    saved = [p.clone() for p in part.parameters()]
    with torch.no_grad():
        for p in part.parameters():
            p -= 0.1 * p.grad
        moved = m(batch, 1.0)["domain"].item()
        for p, old in zip(part.parameters(), saved, strict=True):
            p.copy_(old)
    return moved
