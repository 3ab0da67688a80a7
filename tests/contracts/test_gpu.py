"""On a GPU every method takes the steps that it takes on a CPU, and runs come to their end."""

from dataclasses import replace
from itertools import islice
from typing import get_args

import pytest
import torch
from torch import Tensor

from da.config.choices import Augment
from da.config.label_shift import LabelShift
from da.data import loaders, tasks
from da.data.batch import Batch, Labeled, TargetBatch, Unlabeled, tensors
from da.data.transforms import Resize
from da.data.views import augment_images
from da.methods import METHODS, Method, Network
from da.methods.source_only import SourceOnly
from da.runs.run import Run
from da.runs.trained_model import load_model
from da.training.engine import train_step
from da.training.multi_run import train_together
from da.training.setup import assemble
from da.training.train import train
from tests.conftest import begin_with, build, skip_without
from tests.fixtures import runs
from tests.fixtures.points import task_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]
PIXELS = {name: kind for name, kind in METHODS.items() if not kind.frozen_only}
every_method = pytest.mark.parametrize("kind", METHODS.values(), ids=METHODS)


def losses_on(device: str, kind: type[Method], batch: Batch, seed: int = 1) -> list[dict]:
    """Losses of three steps of a small method; `seed` is of what it draws in them."""
    method = build(kind, device)
    moves = torch.randn(3, 8, 5, generator=torch.Generator().manual_seed(7))
    optimizer = torch.optim.SGD(method.parameters(), 0.05, momentum=0.9)
    torch.manual_seed(seed)
    losses = []
    for step, move in enumerate(moves):
        seen = Unlabeled((batch.target.x + move).to(device), batch.target.index.to(device))
        pair = (Labeled(x.x.to(device), x.y.to(device)) for x in (batch.source, batch.shots))
        source, shots = pair
        given = TargetBatch(seen) if method.source_free else Batch(source, seen, shots)
        found = train_step(method, optimizer, given, step / 3)
        losses.append({name: loss.item() for name, loss in found.items()})
    return losses


TIES = {"aad", "nrc"}
"""Methods with equally near neighbors among so few points, of which either may come first."""


@every_method
def test_first_losses_are_those_on_a_cpu(kind, batch):
    if kind.name in TIES:
        pytest.skip("equally near neighbors")
    ours, theirs = (losses_on(device, kind, batch) for device in ("cuda", "cpu"))
    assert [step.keys() for step in ours] == [step.keys() for step in theirs]
    if theirs == losses_on("cpu", kind, batch, seed=2):  # else it draws numbers
        for now, then in zip(ours, theirs, strict=True):
            assert now == pytest.approx(then, rel=1e-4, abs=1e-5)


BEGUN = Run(SourceOnly.Hparams(), "moons:0-40", "mlp", "random", "full", network=Network(8))
BEGUN = replace(BEGUN, steps=4, batch=16, eval_every=2)


def finished(run: Run) -> float:
    """Accuracy of a run that is trained on the GPU, and whose weights can be used on a CPU."""
    record = train(run, device="cuda", save_weights=True, quiet=True)
    assert record.environment["device"] == torch.cuda.get_device_name()
    assert not next(load_model(run.id).parameters()).is_cuda
    return record.curve[-1]["target_accuracy"]


@pytest.mark.usefixtures("names_as_noise")
@pytest.mark.parametrize("regime", ["full", "frozen"])
@every_method
def test_a_run_of_points_comes_to_its_end(kind, regime):
    skip_without(kind.needs)
    settings = {"task": task_of(kind), "method": kind.Hparams()} | begin_with(kind, BEGUN.id)
    if regime == "frozen":
        settings = {"init": BEGUN.id, "regime": "frozen"} | settings
    try:
        run = replace(BEGUN, **settings)
    except ValueError as error:
        pytest.skip(str(error))
    if BEGUN.id in (run.init, run.teacher):
        train(BEGUN, device="cuda", save_weights=True, quiet=True)
    assert finished(run) >= 0


@pytest.fixture
def pictures(monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", runs.stand_in)


@pytest.mark.usefixtures("pictures", "names_as_noise")
@pytest.mark.parametrize("kind", PIXELS.values(), ids=PIXELS)
def test_a_run_of_images_comes_to_its_end(kind):
    skip_without(kind.needs)
    name = f"digits:mnist{',optdigits' * kind.takes_domains}-mnistm{'+2shot' * kind.takes_shots}"
    settings = {"task": name, "method": kind.Hparams()} | begin_with(kind, runs.RUN.id)
    run = replace(runs.RUN, augment="none" if kind.streams else "strong", **settings)
    if runs.RUN.id in (run.init, run.teacher):
        train(runs.RUN, device="cuda", save_weights=True, quiet=True)
    assert finished(run) >= 0


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize(
    "settings",
    [
        {"cuda_graph": True, "schedule": "cosine"},
        {"precision": "bf16"},
        {"shift": LabelShift("rlls", 1)},
        {"optimizer": "sgd", "augment": "jitter"},
    ],
    ids=str,
)
def test_settings_of_a_run_hold_on_a_gpu(settings):
    run = replace(runs.run_of("dann"), steps=6, batch=8, eval_every=3)
    assert finished(replace(run, **settings)) >= 0


def test_a_deterministic_run_gives_the_same_numbers_again():
    torch.ones(4, 4, device="cuda") @ torch.ones(4, 4, device="cuda")  # before it is asked for
    run = replace(BEGUN, deterministic=True, task="moons:0-9")
    curves = [train(run, device="cuda", quiet=True).curve for _ in range(2)]
    assert curves[0] == curves[1]


def test_runs_that_train_together_end_as_alone():
    some = [replace(BEGUN, seed=seed) for seed in range(3)]
    for run, record in train_together(some, device="cuda", share_steps=True):
        alone = train(run, device="cuda", quiet=True)
        assert record.curve[-1]["loss/task"] == pytest.approx(alone.curve[-1]["loss/task"], 1e-3)


@pytest.mark.parametrize("augment", get_args(Augment))
def test_views_are_those_on_a_cpu(augment):
    x = runs.pictures("china.jpg").x[:32]
    seen = [
        augment_images(images, Resize(28), augment, torch.Generator().manual_seed(0)).cpu()
        for images in (x, x.cuda())
    ]
    assert gap(*seen) < 0.05  # a GPU samples a box where it is, a CPU rounds it to pixels


def gap(ours: Tensor, theirs: Tensor) -> float:
    """Mean difference of images, each as bytes or numbers in 0..1."""
    x, y = (v.cpu() / 255 if v.dtype == torch.uint8 else v.cpu().float() for v in (ours, theirs))
    return (x - y).abs().mean().item()


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("stay", [False, True])
def test_batches_are_those_on_a_cpu(stay):
    """Images are on the GPU, or stay in memory and are copied there in advance."""
    task = assemble(runs.RUN, "cpu").task
    there = task if stay else task.map(lambda x: x.cuda())
    made = [
        loaders.batches(images, 16, 0, augment="random_crop_flip", device=torch.device(device))
        for images, device in ((task, "cpu"), (there, "cuda"))
    ]
    for on_cpu, on_gpu in islice(zip(*made, strict=True), 20):
        for ours, theirs in zip(tensors(on_gpu), tensors(on_cpu), strict=True):
            assert ours.is_cuda
            assert gap(ours, theirs) < 0.05
