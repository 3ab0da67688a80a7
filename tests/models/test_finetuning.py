"""How much of a backbone moves, when and how fast: on a small one with batch norms."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.optim import SGD

from da.config.fine_tuning import FineTuning
from da.evaluation.selectors import infomax
from da.methods import Network
from da.methods.dann import DANN
from da.methods.source_only import SourceOnly
from da.models import saved_weights
from da.models.finetuning import group_parameters, hold_stages, release_stage
from da.models.stages import list_stages
from da.runs.run import Run
from da.training import optimizers, train
from da.training.early_stopping import BestWeights
from da.training.engine import fit
from da.training.setup import assemble


class Three(nn.Sequential):
    """Three stages, each a linear layer with batch norm."""

    width = 4

    def __init__(self) -> None:
        super().__init__(
            *(
                layer
                for inputs in (5, 4, 4)
                for layer in (nn.Linear(inputs, 4), nn.BatchNorm1d(4), nn.ReLU())
            )
        )


RUN = Run(
    SourceOnly.Hparams(),
    "moons:0-20",
    backbone="mlp",
    init="random",
    regime="full",
    network=Network(neck=0, dropout=0),
    steps=4,
    eval_every=1,
)


def method(kind=SourceOnly):
    torch.manual_seed(0)
    return kind.Hparams().build(Three(), 3, Network(neck=4, dropout=0))


def trained(m, tuning: FineTuning, batch, steps: int = 6):
    """What the optimizer holds of the backbone before each step, by stage from the top."""
    hold_stages(tuning, m.backbone)
    optimizer = SGD(
        group_parameters(tuning, m, {"": 0.1}, {"lr": 0.1}), momentum=0.9, weight_decay=0.1
    )
    numbers = {
        id(p): n for n, s in enumerate(list_stages(m.backbone)[::-1]) for p in s.parameters()
    }
    held = []

    def before(step: int) -> None:
        release_stage(tuning, m.backbone, step, optimizer, {"lr": 0.1})
        mine = [id(p) for group in optimizer.param_groups for p in group["params"]]
        held.append(sorted({numbers[i] for i in mine if i in numbers}))

    list(fit(m, [batch] * steps, optimizer, steps, every=steps, before=before))
    return held


def bits(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: x.clone() for name, x in module.state_dict().items()}


@pytest.mark.parametrize("kind", [SourceOnly, DANN])
@pytest.mark.parametrize(
    ("tuning", "still"),
    [(FineTuning(last=1), 6), (FineTuning(freeze=3), 3), (FineTuning(freeze=9), 9)],
)
def test_what_is_held_does_not_change_by_one_bit(kind, tuning, still, batch):
    m = method(kind)
    before = bits(m.backbone)
    trained(m, tuning, batch)
    for name, x in m.backbone.state_dict().items():
        same = torch.equal(x, before[name])
        assert same == (int(name.partition(".")[0]) < still), name


@pytest.mark.parametrize(
    ("tuning", "held"),
    [
        (FineTuning(), [[0, 1, 2]] * 6),
        (FineTuning(last=1), [[0]] * 6),
        (FineTuning(last=2), [[0, 1]] * 6),
        (FineTuning(freeze=3), [[0, 1]] * 6),
        (FineTuning(unfreeze_every=2), [[], [], [0], [0], [0, 1], [0, 1]]),
        (FineTuning(unfreeze_every=1), [[], [0], [0, 1], [0, 1, 2], [0, 1, 2], [0, 1, 2]]),
    ],
)
def test_the_optimizer_holds_what_moves(tuning, held, batch):
    assert trained(method(), tuning, batch) == held


def test_a_stage_moves_from_its_step_on(batch):
    m = method()
    before = bits(m.backbone)
    trained(m, FineTuning(unfreeze_every=2), batch, steps=4)
    moved = {n.partition(".")[0] for n, x in bits(m.backbone).items() if not x.equal(before[n])}
    assert moved == {"6", "7"}


def test_stages_further_down_learn_slower():
    m = method()
    groups = group_parameters(FineTuning(stage_lr=0.5), m, {"": 1.0}, {"lr": 0.1})
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    assert rates[id(m.head[0].weight)] == 1.0
    assert [rates[id(m.backbone[i].weight)] for i in (0, 1, 3, 6)] == [0.025, 0.025, 0.05, 0.1]
    gradual = FineTuning(stage_lr=0.5, unfreeze_every=1)
    hold_stages(gradual, m.backbone)
    optimizer = SGD(group_parameters(gradual, m, {"": 1.0}, {"lr": 0.1, "weight_decay": 0.5}))
    for step in (1, 2, 3):
        release_stage(gradual, m.backbone, step, optimizer, {"lr": 0.1, "weight_decay": 0.5})
    found = [(group["lr"], group["weight_decay"]) for group in optimizer.param_groups]
    assert found == [(1.0, 0), (0.1, 0.5), (0.05, 0.5)]


def test_norms_and_biases_need_not_decay():
    m = method()
    for group in group_parameters(FineTuning(decay_norms=False), m, {"": 0.1}, {"lr": 0.1}):
        matrices = {p.ndim > 1 for p in group["params"]}
        assert matrices == {"weight_decay" not in group}


def test_the_best_look_is_kept_and_patience_ends():
    m, best = nn.Linear(1, 1), BestWeights(FineTuning(chosen_by="infomax", patience=2))
    ends = []
    for score in (0.1, 0.3, 0.2, 0.3):
        m.weight.data.fill_(score)
        best.update({"infomax": score}, m)
        ends.append(best.is_over())
    best.restore(m)
    assert ends == [False, False, False, True]
    assert m.weight.item() == pytest.approx(0.3)


def test_a_run_ends_early_and_stores_its_best_model(monkeypatch):
    scores = iter([0.1, 0.5, 0.4, 0.4])
    monkeypatch.setattr(infomax, "score", lambda seen: next(scores))
    run = replace(RUN, steps=20, tuning=FineTuning(chosen_by="infomax", patience=2))
    record = train.train(run, device="cpu", save_weights=True, quiet=True)
    assert [point["step"] for point in record.curve] == [1, 2, 3, 4]
    scores = iter([0.1, 0.5])
    two = replace(run, steps=2, schedule="constant")
    train.train(two, device="cpu", save_weights=True, quiet=True)
    ours, theirs = (saved_weights.load_weights(r.id, "head") for r in (run, two))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_strategies_are_settings_of_a_run():
    for tuning, moving in [
        (FineTuning(), 4),
        (FineTuning(last=1), 2),
        (FineTuning(unfreeze_every=2), 0),
    ]:
        parts = assemble(replace(RUN, tuning=tuning), "cpu")
        assert sum(p.requires_grad for p in parts.method.backbone.parameters()) == moving


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"last": 1, "freeze": 2}, "of last, freeze and unfreeze_every one at a time"),
        ({"patience": 2}, "patience needs a score"),
        ({"stage_lr": -1.0}, "stage_lr is 0 or more and finite, not -1"),
        ({"warmup": -1}, "wrong settings: warmup is 0 or more, not -1"),
    ],
)
def test_settings_that_contradict_each_other(settings, message):
    with pytest.raises(ValueError, match=message):
        FineTuning(**settings)


def test_more_stages_than_there_are():
    for tuning in (FineTuning(last=4), FineTuning(freeze=10)):
        with pytest.raises(ValueError, match="known: up to"):
            hold_stages(tuning, Three())


def test_frozen_features_have_no_stages():
    with pytest.raises(ValueError, match="need regime full"):
        replace(RUN, regime="frozen", init="pretrained", tuning=FineTuning(last=1))


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_a_momentum_may_be_a_whole_number(name):
    made = optimizers.build_optimizer(replace(RUN, optimizer=name, momentum=0), method())
    assert 0 in (made.defaults.get("momentum"), made.defaults.get("betas", (1,))[0])
