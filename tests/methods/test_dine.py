"""A black box is distilled by its predictions alone (Liang et al. 2022)."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from da.config.label_columns import LabelColumns
from da.methods.dine import DINE, smooth_others
from da.methods.source_only import SourceOnly
from da.runs.run import Run
from da.runs.trained_model import load_model
from da.training import train
from da.training.engine import train_step
from da.training.setup import assemble
from tests.conftest import build

TEACHER = Run(
    SourceOnly.Hparams(), "moons:0-40", backbone="mlp", init="random", regime="full",
    steps=10, batch=16, eval_every=10,
)  # fmt: skip


@pytest.fixture
def teacher() -> Run:
    train.train(TEACHER, device="cpu", save_weights=True, quiet=True)
    return TEACHER


def test_the_likeliest_classes_are_kept_and_the_others_made_equal():
    p = torch.tensor([[0.7, 0.2, 0.1, 0.0], [0.1, 0.4, 0.4, 0.1]])
    one = torch.tensor([[0.7, 0.1, 0.1, 0.1], [0.2, 0.4, 0.2, 0.2]])
    two = torch.tensor([[0.7, 0.2, 0.05, 0.05], [0.1, 0.4, 0.4, 0.1]])
    torch.testing.assert_close(smooth_others(p, 1), one)
    torch.testing.assert_close(smooth_others(p, 2), two)
    torch.testing.assert_close(smooth_others(p, 9), p)


def test_losses_equal_those_written_by_hand(batch):
    m = build(DINE, mixture=0.7)
    torch.manual_seed(2)
    found = m(batch, 0.2)
    x = batch.target.x
    p = m.predict(x).softmax(1)
    guess = m.guesses[:8]
    torch.testing.assert_close(guess, smooth_others(m.predictions.softmax(1), 1)[:8])
    torch.testing.assert_close(found["distill"], (guess * (guess / p).log()).sum(1).mean())
    torch.testing.assert_close(found["entropy"], -(p * p.log()).sum(1).mean())
    torch.testing.assert_close(found["evenness"], (p.mean(0) * p.mean(0).log()).sum())
    torch.manual_seed(2)
    order = torch.randperm(8)
    share = torch.distributions.Beta(torch.full((8,), 0.3), torch.full((8,), 0.3)).sample()[0]
    mixed, q = (share * z + (1 - share) * z[order] for z in (x, p))
    expected = 0.7 * F.kl_div(m.predict(mixed).log_softmax(1), q, reduction="batchmean")
    torch.testing.assert_close(found["mixture"], expected)


def test_the_second_stage_maximizes_mutual_information_alone(batch):
    m = build(DINE, distilled=0.3)
    losses = m(batch, 0.3)
    assert losses["distill"] == losses["mixture"] == 0
    assert losses["entropy"] > 0


def test_what_is_learned_from_moves_toward_the_network(batch):
    m = build(DINE, refreshes=4, keep=0.25, distilled=0.6)
    first, when = m.guesses.clone(), []
    optimizer = torch.optim.SGD(m.parameters(), 0.1)
    for step in range(40):
        before = m.found
        train_step(m, optimizer, batch, step / 40)
        when += [step / 40] * (m.found - before)
        if m.found == 2 and len(when) == 1 and m.found != before:
            with m.evaluation_mode():
                p = m.predict(m.target.take(torch.arange(8))).softmax(1)
            torch.testing.assert_close(m.guesses, 0.25 * first + 0.75 * p)
    assert when == [0.25, 0.5]


@pytest.mark.parametrize("regime", ["frozen", "full"])
def test_it_has_the_predictions_and_no_weight_of_the_black_box(teacher, regime):
    init = "random" if regime == "full" else "pretrained"
    run = replace(teacher, method=DINE.Hparams(teacher.id), regime=regime, init=init, seed=1)
    if regime == "frozen":
        run = replace(run, backbone="identity")
    parts = assemble(run, "cpu")
    pixels = assemble(teacher, "cpu").task.target_train
    kept = load_model(teacher.id)
    torch.testing.assert_close(
        parts.method.predictions, kept(pixels.take(torch.arange(len(pixels))))
    )
    theirs = [p for p in kept.parameters() if p.ndim == 2]
    ours = [p for p in parts.method.parameters() if p.ndim == 2]
    assert not any(torch.equal(p, q) for p in ours for q in theirs if p.shape == q.shape)
    train.train(replace(run, steps=2, eval_every=2), device="cpu", quiet=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"init": "0123456789ab"}, "sees a finished run's predictions alone: set teacher to"),
        ({"method": DINE.Hparams()}, "sees a finished run's predictions alone: set teacher to"),
        ({"features": 2, "regime": "frozen", "init": "pretrained"}, "sees no labels of the source"),
        ({"labels": LabelColumns(("a", "b"))}, "predictions of the class alone"),
        ({"task": "text:a-b"}, "dine is for images, and text:a-b has texts"),
    ],
)
def test_contradictory_settings_are_refused(changes, message):
    run = replace(TEACHER, method=DINE.Hparams("0123456789ab"))
    with pytest.raises(ValueError, match=message):
        replace(run, **changes)
