"""Predictions are weighed by estimated frequencies, from training to the stored network."""

from dataclasses import replace

import pytest
import torch

from da.config.label_shift import LabelShift
from da.data import tasks
from da.evaluation.class_frequencies import update_weights
from da.evaluation.predictions import outputs, predict
from da.methods import METHODS
from da.methods._class_weights import add_weights
from da.methods.source_only import SourceOnly
from da.runs.run import Run
from da.runs.trained_model import load_model
from da.training import loop, multi_run, train
from da.training.setup import assemble
from tests.conftest import build, points

RUN = Run(
    SourceOnly.Hparams(), "moons:0-40", backbone="mlp", init="random", regime="full",
    steps=6, batch=16, eval_every=3, shift=LabelShift("rlls", balance_every=2),
)  # fmt: skip


def shifted(seed: int, *counts: int):
    """Points of three classes around the corners of a triangle, so many for each part."""
    y = torch.arange(3).repeat_interleave(torch.tensor(counts)).repeat(2)
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(len(y), 5, generator=g)
    x[:, :3] += 2.5 * torch.eye(3)[y]
    return points(x, y, 3)


@pytest.mark.parametrize("name", ["bbse", "rlls", "em"])
def test_the_weights_are_estimated_over_trained_frequencies(name):
    m = build(SourceOnly)
    add_weights(m)
    task = tasks.build_task("moons:0-1", shifted(0, 300, 200, 100), shifted(1, 60, 120, 420))
    optimizer = torch.optim.Adam(m.parameters(), 0.02)
    for _ in range(60):
        optimizer.zero_grad()
        m.task_loss(m.predict(task.source_train.x[:600]), task.source_train.y).backward()
        optimizer.step()
    before = predict(m.eval(), task)
    found = update_weights(m, task, name, balanced=False)
    assert (found - torch.tensor([0.1, 0.2, 0.7])).abs().max() < 0.07
    after = predict(m, task)
    gap = (found / (torch.tensor([3, 2, 1]) / 6)).log()
    torch.testing.assert_close(after.target_logits, before.target_logits + gap)
    assert after.source_logits.equal(before.source_logits)
    update_weights(m, task, name, balanced=True)
    even = predict(m, task).target_logits - before.target_logits
    torch.testing.assert_close(even, (3 * found).log().expand_as(even))


def test_a_class_that_seems_absent_keeps_finite_logits():
    m = build(SourceOnly)
    add_weights(m)
    m.class_weights.set(torch.tensor([0.0, 0.5, 0.5]), torch.tensor([0.0, 0.5, 0.5]))
    assert m.class_weights.logs.isfinite().all()


def test_a_stored_network_weighs_as_its_run_did():
    parts = assemble(RUN, "cpu")
    curve, _ = train.fit(RUN, parts, quiet=True)
    frequencies = [curve[-1][f"frequency/{name}"] for name in parts.task.classes]
    assert sum(frequencies) == pytest.approx(100, abs=0.01)
    train.save_run_weights(RUN, parts)
    test = parts.task.target_test
    kept = load_model(RUN.id)
    expected = predict(parts.method, parts.task).target_logits
    torch.testing.assert_close(kept(test.x[test.rows]), expected)
    torch.testing.assert_close(kept.to_torch()(test.x[test.rows]), expected)
    plain = outputs(parts.method, parts.method.predict, test)
    assert (plain - expected).abs().max() > 0.01
    reached = parts.method.state_dict()
    assert reached["class_weights.logs"].abs().max() > 0.01


def test_the_default_changes_no_id_and_attaches_nothing():
    plain = replace(RUN, shift=LabelShift())
    assert plain.id == Run.of({k: v for k, v in plain.settings().items()
                               if k not in ("label_shift", "balance_every")}).id  # fmt: skip
    assert plain.id != RUN.id
    assert not hasattr(assemble(plain, "cpu").method, "class_weights")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": METHODS["shot"].Hparams(), "init": "0123456789ab"}, "needs source images"),
        (
            {
                "method": METHODS["tent"].Hparams(),
                "init": "0123456789ab",
                "shift": LabelShift(balance_every=2),
            },
            "sees each once",
        ),
        ({"task": "moons:0"}, "need a task of two domains"),
    ],
)
def test_what_cannot_be_estimated_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(RUN, **changes)


def test_loaders_cannot_be_balanced():
    module = torch.nn.Linear(2, 3)
    with pytest.raises(ValueError, match="look at all images: give them to "):
        loop.fit(SourceOnly.Hparams(), [], [], backbone=module, classes=2, shift=RUN.shift)


def test_such_runs_are_trained_alone():
    assert multi_run.training_key(RUN) == RUN.id
    assert multi_run.sharing_key(replace(RUN, regime="frozen", init="pretrained")) is None
