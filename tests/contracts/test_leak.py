"""Classes of target images are out of reach, and change nothing but the mark."""

from dataclasses import replace
from itertools import islice

import pytest
import torch

from da.config.task_name import TaskName
from da.data import tasks
from da.data.domain import Domain, Images, LabeledImages, Task
from da.data.label_sets import share_classes
from da.data.loaders import batches, stream
from da.data.streams import order_stream
from da.evaluation import predictions, scores
from da.evaluation.class_frequencies import update_weights
from da.evaluation.collector import Collector
from da.methods import METHODS
from da.methods._class_weights import add_weights
from da.methods.source_only import SourceOnly
from da.ops.label_shift import ESTIMATORS
from da.results.record_schema import MARKS
from da.results.records import Point
from da.runs.run import Run
from da.training.engine import fit
from da.training.setup import show_images
from da.training.train import train
from tests.conftest import begin_with, build, points, skip_without

every_method = pytest.mark.parametrize("kind", METHODS.values(), ids=METHODS)


class Secret(torch.Tensor):
    """Classes that raise when anything but their type and shape is asked for."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function.__name__ != "__get__":
            raise AssertionError(f"target classes were read, by {function.__name__}")
        return super().__torch_function__(function, types, args, kwargs or {})


def guarded(name: str) -> Task:
    """A task whose target classes, but for bought shots, raise when they are read."""
    torch.manual_seed(0)
    y = torch.arange(60) % 3
    source, target = (points(m + torch.randn(60, 5), y, 3) for m in (0, 1))
    task = tasks.build_task(name, source, target)
    secret = y.as_subclass(Secret)
    return replace(
        task,
        target_train=LabeledImages(task.target_train.x, task.target_train.rows, secret),
        target_test=replace(task.target_test, classes=secret),
    )


def task_of(kind) -> str:
    return "moons:0" + ",9" * kind.takes_domains + "-40" + "+3shot" * kind.takes_shots


@every_method
def test_training_and_selection_read_no_target_class(kind):
    task, method = guarded(task_of(kind)), build(kind)
    show_images(method, task)
    optimizer = torch.optim.SGD(method.parameters(), 0.1)
    found = list(fit(method, islice(batches(task, 8, 0), 6), optimizer, 6, every=3))
    assert [step for step, _ in found] == [3, 6]
    seen = Collector().collect(method, task, torch.device("cpu"), 6)[""]
    names = scores.list_scorable(seen)
    assert {"entropy", "source_accuracy", "class_ami", "mixval"} <= {*names}
    assert all(scores.score(name, seen) is not None for name in names)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimates_of_class_frequencies_and_balanced_batches_read_no_target_class(name):
    task, method = guarded("moons:0-40"), build(SourceOnly)
    add_weights(method)
    assert update_weights(method, task, name, balanced=True).sum() == pytest.approx(1)
    predicted = predictions.outputs(method, method.predict, task.target_train).argmax(1)
    made = batches(task, 8, 0, balance=(lambda: predicted, 1))
    assert len([next(made) for _ in range(3)]) == 3


def test_the_guard_is_awake():
    task = guarded("moons:0-40")
    for images in (task.target_train, task.target_test):
        with pytest.raises(AssertionError, match="target classes were read"):
            _ = images.y
    for read in (torch.Tensor.tolist, torch.Tensor.sum, list, str, lambda y: y == 1):
        with pytest.raises(AssertionError, match="target classes were read"):
            read(task.target_test.classes)


def shuffled(domain: Domain) -> Domain:
    """With the classes of its test images permuted."""
    test = domain.rows["target_test"]
    y = domain.y.clone()
    y[test] = y[test[torch.randperm(len(test), generator=torch.Generator().manual_seed(0))]]
    return replace(domain, y=y)


def begin() -> Run:
    """A run whose weights the frozen ones begin with."""
    return Run(
        SourceOnly.Hparams(),
        "moons:0-40",
        backbone="mlp",
        init="random",
        regime="full",
        steps=4,
        batch=16,
        eval_every=2,
    )


@pytest.mark.usefixtures("names_as_noise")
@every_method
def test_permuted_target_classes_change_the_mark_alone(kind, monkeypatch):
    skip_without(kind.needs)
    source, target = tasks.open_domains(task_of(kind))
    run = replace(begin(), method=SourceOnly.Hparams())
    if kind.frozen_only or kind.source_free or kind.taught:
        train(run, device="cpu", save_weights=True, quiet=True)
    begun = begin_with(kind, run.id)
    begun |= {"init": run.id, "regime": "frozen"} if kind.frozen_only else {}
    run = replace(run, task=task_of(kind), **begun)
    curves = []
    for classes in (target, shuffled(target)):
        monkeypatch.setattr(tasks, "open_domains", lambda *_, t=classes: (source, t))
        curves.append(train(run, device="cpu", quiet=True).curve)
    marks, others = zip(*map(split_marks, curves), strict=True)
    assert others[0] == others[1]
    assert len(marks[0]) == 1 + run.method.trains
    assert marks[0] != marks[1] or kind.takes_names  # which has learned nothing


def split_marks(curve: list[Point]) -> tuple[list[Point], list[Point]]:
    """Divide each evaluation into what is measured with target labels, and all else."""
    marks = [{k: v for k, v in p.items() if k.partition("/")[0] in MARKS} for p in curve]
    others = [{k: v for k, v in p.items() if k.partition("/")[0] not in MARKS} for p in curve]
    return marks, others


@pytest.mark.parametrize("end", ["+partial3", "+open3", "+universal2/2"])
@pytest.mark.parametrize("kind", [METHODS["dann"], METHODS["mcc"]], ids=["dann", "mcc"])
def test_no_class_of_the_target_is_seen_in_any_setting(kind, end, monkeypatch):
    y = torch.arange(120) % 6
    torch.manual_seed(0)
    centers = 4 * torch.stack([y.cos(), y.sin()], 1)
    pair = (points(centers + m + torch.randn(120, 2), y, 6) for m in (0, 1))
    learns = {"steps": 20, "eval_every": 10, "lr": 0.03}
    run = replace(begin(), method=kind.Hparams(), task=f"moons:0-40{end}", **learns)
    source, target = share_classes(TaskName.parse(run.task), None, *pair)
    curves = []
    for classes in (target, shuffled(target)):
        monkeypatch.setattr(tasks, "open_domains", lambda *_, t=classes: (source, t))
        curves.append(train(run, device="cpu", quiet=True).curve)
    marks, others = zip(*map(split_marks, curves), strict=True)
    assert others[0] == others[1]
    assert marks[0] != marks[1]


@pytest.mark.parametrize("options", ["listed", "sorted", "dirichlet0.1,mixed"])
@pytest.mark.parametrize("name", [name for name, kind in METHODS.items() if kind.streams])
def test_a_stream_in_the_order_of_classes_shows_none(name, options):
    """The benchmark puts images in order; the method gets images in turn, and raises if it asks."""
    task, method = guarded("moons:0-40"), build(METHODS[name])
    y = torch.Tensor.as_subclass(task.target_test.classes, torch.Tensor)
    name = f"emoji:openmoji-noto,twemoji+stream:{options}"
    test = replace(task.target_test, domains=torch.arange(len(y)) % 2)
    order = order_stream(replace(task, name=name, target_test=replace(test, classes=y)), 0)
    task = replace(task, name=name, target_test=test)
    show_images(method, task)
    shown = list(stream(task.target_test, 8, 0, order=order))
    assert all(set(vars(batch)) == {"target"} for batch in shown)
    optimizer = torch.optim.SGD(method.parameters(), 0.1)
    list(fit(method, shown, optimizer, len(shown), every=2))
    assert method.online.isfinite().all()
    assert not hasattr(method, "target") or type(method.target) is Images
