"""A student learns what a finished run predicts (Hinton et al. 2015)."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch

from da.methods import Network
from da.methods.distill import Distill, softened_divergence
from da.methods.source_only import SourceOnly
from da.models import saved_weights
from da.results import records
from da.runs.run import Run
from da.runs.trained_model import load_model
from da.training import optimizers, setup, train
from da.training.engine import train_step
from da.training.setup import assemble
from da.training.sweep import sweep_outcomes
from tests.conftest import build

TEACHER = Run(
    SourceOnly.Hparams(), "moons:0-40", backbone="mlp", init="random", regime="full",
    network=Network(neck=8), steps=10, batch=16, eval_every=10,
)  # fmt: skip


def student(teacher: Run, **more) -> Run:
    return replace(teacher, method=Distill.Hparams(teacher.id), seed=1, **more)


@pytest.fixture
def teacher() -> Run:
    train.train(TEACHER, device="cpu", save_weights=True, quiet=True)
    return TEACHER


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_gradient_is_the_gap_of_softened_predictions(temperature):
    """T (p - q) over the number of images (Hinton et al. 2015, eq. 2, times T²)."""
    z, v = (torch.randn(6, 4, dtype=torch.float64) for _ in range(2))
    z.requires_grad_()
    loss = softened_divergence(z, v, temperature)
    p, q = ((x.detach() / temperature).softmax(1) for x in (z, v))
    expected = temperature**2 * (q * (q / p).log()).sum(1).mean()
    torch.testing.assert_close(loss.detach(), expected)
    (found,) = torch.autograd.grad(loss, z)
    torch.testing.assert_close(found, temperature * (p - q) / 6)


def test_losses_are_of_source_classes_and_of_the_teacher_on_the_target(batch):
    m = build(Distill, temperature=3.0, trade_off=0.25)
    losses = m(batch, 0.5)
    f_s, f_t = m.features(batch)
    task = torch.nn.functional.cross_entropy(m.head(f_s), batch.source.y)
    guide = m.guide(batch.target.x)
    torch.testing.assert_close(losses["task"], 0.25 * task)
    torch.testing.assert_close(losses["distill"], softened_divergence(m.head(f_t), guide, 3.0))


def test_a_student_comes_to_predict_what_its_teacher_does(batch):
    m = build(Distill, trade_off=0.0)
    taught = m.guide(batch.target.x).softmax(1)
    optimizer, gaps = torch.optim.AdamW(m.parameters(), 0.02), []
    for _ in range(100):
        p = m.head(m.features(batch)[1]).softmax(1)
        gaps.append((p - taught).abs().max().item())
        train_step(m, optimizer, batch, 0.5)
    assert gaps[0] > 0.3
    assert gaps[-1] < 0.1


def test_the_teacher_is_no_part_of_the_student_and_does_not_move(teacher):
    parts = assemble(student(teacher), "cpu")
    x = parts.task.target_train.x[:8]
    before = parts.method.guide(x)
    for own in islice(setup.run_batches(student(teacher), parts), 3):
        train_step(
            parts.method, optimizers.build_optimizer(student(teacher), parts.method), own, 0.5
        )
    assert parts.method.guide(x).equal(before)
    assert before.equal(load_model(teacher.id)(x))
    alone = SourceOnly.Hparams().build(parts.method.backbone, 2, teacher.network)
    assert parts.method.state_dict().keys() == alone.state_dict().keys()


@pytest.mark.parametrize("regime", ["frozen", "full"])
def test_a_kept_network_predicts_what_its_run_did(teacher, regime):
    run = replace(teacher, regime=regime, init=teacher.id, seed=2)
    parts = assemble(run, "cpu")
    train.fit(run, parts, quiet=True)
    train.save_run_weights(run, parts)
    pixels = assemble(teacher, "cpu").task.target_test.x
    images = parts.task.target_test
    expected = parts.method.eval().predict(images.x[images.rows])
    found = load_model(run.id)(pixels[images.rows])
    torch.testing.assert_close(found, expected)
    assert not any(p.requires_grad for p in load_model(run.id).parameters())


def test_a_student_comes_after_its_teacher(tmp_path):
    outcomes = list(sweep_outcomes([student(TEACHER), TEACHER], tmp_path, workers=1))
    assert [outcome.run for outcome in outcomes] == [TEACHER, student(TEACHER)]
    assert all(outcome.record for outcome in outcomes)


def test_without_a_name_the_teacher_is_the_run_begun_with(teacher):
    run = replace(student(teacher), method=Distill.Hparams(), init=teacher.id)
    assert run.teacher == teacher.id
    assert student(teacher).teacher == teacher.id
    assert teacher.teacher == ""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": Distill.Hparams()}, "set teacher, or init, to that run's id"),
        (
            {"regime": "frozen", "init": "pretrained"},
            "shows images to a finished run: it needs regime full",
        ),
    ],
)
def test_contradictory_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(student(TEACHER), **changes)


def test_a_teacher_of_another_task_is_refused(teacher):
    with pytest.raises(ValueError, match="has 2 pixels a side, this run 32"):
        assemble(student(teacher, side=32), "cpu")


def test_a_teacher_whose_weights_are_gone_is_refused():
    with pytest.raises(ValueError, match="sweep it with --save-weights first, known: none yet"):
        assemble(student(TEACHER), "cpu")


def test_weights_that_do_not_say_whose_they_are_are_refused(teacher):
    file = saved_weights.weights_file(teacher.id)
    old = torch.load(file, weights_only=True)
    del old["settings"]
    torch.save(old, file)
    records.record_path(Path("results"), teacher.id).unlink()
    with pytest.raises(ValueError, match="is of an earlier version: remove it"):
        load_model(teacher.id)
