"""Each number by hand on a small network; looking changes nothing of the training."""

import math
import re
from dataclasses import replace
from itertools import islice

import pytest
import torch
from torch import nn

from da.data import tasks
from da.data.batch import Batch, Labeled, Unlabeled
from da.data.loaders import batches
from da.evaluation import diagnostics
from da.evaluation.diagnostics import count_predictions, diagnose, preserve_random_state
from da.evaluation.predictions import Predictions
from da.methods import METHODS, Method, Network, Phase
from da.methods.dann import DANN
from da.methods.source_only import SourceOnly
from da.models.backbone import Features
from da.models.backbones.mlp import MLP
from da.runs.run import Run
from da.training.engine import train_step
from da.training.setup import assemble, prepare_task
from da.training.train import fit
from tests.conftest import points, skip_without

NONE = Network(neck=0, dropout=0)


class Pull(Method):
    """Losses whose gradients are constants: 2 at source features, -0.5 at target features.

    It also evaluates without learning.
    """

    def forward(self, batch, progress):
        with torch.no_grad():
            self.features(batch)
        f_s, f_t = self.features(batch)
        return {"task": f_s.sum(), "task_again": f_s.sum(), "pull": -0.5 * f_t.sum()}


class Turns(Pull):
    """Three phases, of which the second moves no features but may ask a discriminator."""

    discriminator = nn.Identity()

    def phases(self):
        yield Phase(self.learn, self.parameters())
        yield Phase(self.pull, self.head.parameters())
        yield Phase(self.pull, self.backbone.parameters())

    def learn(self, batch, progress):
        return {"task": 2 * self.features(batch)[0].sum()}

    def pull(self, batch, progress):
        return {"pull": -0.5 * self.features(batch)[1].sum()}


class Telling(Method):
    """A discriminator that looks at the first feature alone."""

    def __init__(self, *settings):
        super().__init__(*settings)
        self.discriminator = nn.Linear(5, 1)
        with torch.no_grad():
            self.discriminator.weight.copy_(torch.eye(5)[:1])
            self.discriminator.bias.zero_()

    def strength(self, progress):
        return 3 * progress

    def forward(self, batch, progress):
        f = torch.cat([batch.source.x, batch.target.x])
        return {"domain": self.discriminator(self.neck(f)).mean()}


def built(kind: type[Method], backbone: nn.Module | None = None, network: Network = NONE) -> Method:
    torch.manual_seed(0)
    return kind.Hparams().build(backbone or MLP(5, 16), 3, network)


@pytest.mark.parametrize("bn", ["joint", "separate"])
@pytest.mark.parametrize("kind", [Pull, Turns])
def test_gradients_by_hand(kind, bn, batch):
    found = diagnose(built(kind, network=replace(NONE, bn=bn)), batch, 0.5)
    assert found == {
        "adaptation_gradient": pytest.approx(0.5 * math.sqrt(8 * 16)),
        "gradient_ratio": pytest.approx(0.25),
    }


def test_a_reversed_gradient_is_of_the_strength_of_its_reversal(batch):
    strong, weak = (DANN.Hparams(trade_off=t, hidden=()) for t in (1.0, 0.25))
    found = []
    for hp in (strong, weak):
        torch.manual_seed(0)
        found.append(diagnose(hp.build(MLP(5, 16), 3, NONE), batch, 0.5))
    assert found[0]["lambda"] == pytest.approx(2 / (1 + math.exp(-5)) - 1)
    for name in ("lambda", "adaptation_gradient", "gradient_ratio"):
        assert found[0][name] == pytest.approx(4 * found[1][name])


def test_a_small_gradient_is_not_zero(batch):
    class Faint(Pull):
        def forward(self, batch, progress):
            f_s, f_t = self.features(batch)
            return {"task": f_s.sum(), "pull": 1e-30 * f_t.sum()}

    assert diagnose(built(Faint), batch, 0.5)["gradient_ratio"] == pytest.approx(
        1e-30, rel=1e-6, abs=0
    )


def test_a_loss_that_is_cut_off_has_a_gradient_of_zero(batch):
    class Cut(Pull):
        def forward(self, batch, progress):
            f_s, f_t = self.features(batch)
            return {"task": f_s.sum(), "pull": f_t.detach().sum()}

    assert diagnose(built(Cut), batch, 0.5) == {"adaptation_gradient": 0, "gradient_ratio": 0}


def test_no_gradients_without_adaptation_or_without_features_that_learn(batch):
    assert diagnose(built(SourceOnly), batch, 0.5) == {}
    assert diagnose(built(Pull, Features(5)), batch, 0.5) == {}


def told(x_s: list[float], x_t: list[float]) -> dict[str, float]:
    """What is found where these are the first features, and so the logits, of images."""
    rows = [torch.tensor(x)[:, None] * torch.eye(5)[0] for x in (x_s, x_t)]
    y, index = torch.zeros(len(x_s), dtype=torch.long), torch.arange(len(x_t))
    one = Batch(Labeled(rows[0], y), Unlabeled(rows[1], index))
    return diagnose(built(Telling, Features(5)), one, 0.5)


def test_the_discriminator_by_hand():
    found = told([2.0, -1.0, 3.0, 0.5], [-2.0, -0.1, 0.2, -3.0])
    p = torch.tensor([2.0, -1.0, 3.0, 0.5, -2.0, -0.1, 0.2, -3.0]).sigmoid()
    assert found == {
        "discriminator_accuracy": 0.75,
        "discriminator_spread": pytest.approx(p.std(correction=0).item()),
        "lambda": 1.5,
    }
    assert told([1.0, 1.0], [-1.0, -1.0])["discriminator_accuracy"] == 1
    assert told([1.0, 1.0], [1.0, 1.0]) == {
        "discriminator_accuracy": 0.5,
        "discriminator_spread": 0,
        "lambda": 1.5,
    }


def test_predictions_are_counted_by_class():
    logits = torch.eye(4)[[2, 0, 2, 3, 2]]
    seen = Predictions(logits, torch.zeros(5, dtype=torch.long), logits)
    assert count_predictions(seen, ("a", "b", "c", "d")) == {"a": 1, "b": 0, "c": 3, "d": 1}


def test_a_method_that_draws_is_seen_the_same_each_time(batch):
    class Noisy(Pull):
        def forward(self, batch, progress):
            f_s, f_t = self.features(batch)
            return {"task": f_s.sum(), "pull": (torch.rand_like(f_t) * f_t).sum()}

    before, method = torch.get_rng_state(), built(Noisy)
    torch.set_rng_state(before)
    assert diagnose(method, batch, 0.5) == diagnose(method, batch, 0.5)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_drawn_is_the_same_each_time_and_not_missed_later():
    torch.manual_seed(7)
    drawn, between = [], []
    for _ in range(2):
        with preserve_random_state(torch.device("cpu")):
            drawn.append(torch.rand(3))
        between.append(torch.rand(3))
    assert torch.equal(drawn[0], drawn[1])
    torch.manual_seed(7)
    assert torch.equal(torch.cat(between), torch.rand(6))


@pytest.mark.parametrize("kind", METHODS.values(), ids=METHODS)
def test_looking_changes_nothing(kind):
    """Losses, weights, buffers and random state are the same, bit by bit, without an evaluation."""
    ends = []
    for looking in (True, False):
        torch.manual_seed(0)
        x, y = torch.randn(2, 48, 5), torch.arange(48) % 3
        skip_without(kind.needs)
        method = built(kind, Features(5) if kind.frozen_only else None, Network(neck=8))
        if kind.taught:
            method.guide = torch.randn(5, 3, generator=torch.Generator()).__rmatmul__
        name = "moons:0-40" + "+3shot" * kind.takes_shots
        task = tasks.build_task(name, points(x[0], y, 3), points(x[1] + 1, y, 3))
        task = prepare_task(method, task)
        optimizer = torch.optim.SGD(method.parameters(), 0.05)
        losses = []
        for step, batch in enumerate(islice(batches(task, 8, 0), 4)):
            losses.append(train_step(method, optimizer, batch, step / 4))
            if looking:
                diagnose(method, next(batches(task, 8, 0)), step / 4)
        assert not method.neck._forward_hooks
        ends.append((losses, dict(method.state_dict()), torch.get_rng_state(), method.training))
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


RUN = Run(
    DANN.Hparams(hidden=(8,)),
    "moons:0-40",
    backbone="mlp",
    init="random",
    regime="full",
    steps=4,
    batch=16,
    eval_every=2,
    network=Network(neck=8),
)


def test_a_record_has_it_at_each_evaluation(monkeypatch):
    curve, _ = fit(RUN, assemble(RUN, "cpu"), quiet=True)
    monkeypatch.setattr(diagnostics, "diagnose", lambda *_: {})
    without, _ = fit(RUN, assemble(RUN, "cpu"), quiet=True)
    for point, plain in zip(curve, without, strict=True):
        names = [name.removeprefix("diagnosis/") for name in point.keys() - plain.keys()]
        assert sorted(names) == sorted(
            (
                *("discriminator_accuracy", "discriminator_spread"),
                *("lambda", "adaptation_gradient", "gradient_ratio"),
            )
        )
        assert plain == {name: point[name] for name in plain}
    assert curve[-1]["diagnosis/lambda"] == pytest.approx(2 / (1 + math.exp(-10 * 3 / 4)) - 1)
    shares = [n for name, n in curve[-1].items() if name.startswith("predicted/")]
    assert len(shares) == 2
    assert sum(shares) == len(assemble(RUN, "cpu").task.target_test)


def mute(method: Method) -> None:
    for p in method.discriminator.parameters():
        p.requires_grad_(False).zero_()


def collapse(method: Method) -> None:
    for p in method.head.parameters():
        p.requires_grad_(False).zero_()


LONGER = replace(RUN, task="moons:0-10", steps=40, lr=0.02, eval_every=20)
WEIGHTLESS = replace(LONGER, method=DANN.Hparams(trade_off=0, hidden=(8,)))


@pytest.mark.parametrize(
    ("run", "damage", "warnings"),
    [
        (LONGER, None, set()),
        (WEIGHTLESS, None, {"adaptation gradient exactly zero"}),
        (LONGER, mute, {"discriminator constant", "adaptation gradient exactly zero"}),
        (LONGER, collapse, {"one class has most of the target predictions"}),
    ],
)
def test_each_warning_is_given_once_while_training(run, damage, warnings, capsys):
    parts = assemble(run, "cpu")
    if damage:
        damage(parts.method)
    fit(run, parts)
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    found = [re.fullmatch(r"warning at step 20: (.*?):.*", line) for line in lines]
    assert sorted(match[1] for match in found) == sorted(warnings)
