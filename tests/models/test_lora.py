"""Fine-tuning of norms alone, and of low-rank changes, on a small backbone."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import SGD

from da.config.fine_tuning import FineTuning
from da.methods import METHODS, Network
from da.methods.mean_teacher import MeanTeacher
from da.methods.source_only import SourceOnly
from da.models.finetuning import group_parameters, hold_stages
from da.models.lora import LoraLinear, add_lora, merge_lora
from da.runs.run import Run
from da.runs.trained_model import load_model
from da.training import train
from da.training.early_stopping import BestWeights
from da.training.engine import fit
from da.training.setup import assemble

LORA, NORM = FineTuning(moves="lora", lora_rank=2), FineTuning(moves="norm")
RUN = Run(
    SourceOnly.Hparams(),
    "moons:0-20",
    "mlp",
    regime="full",
    init="random",
    network=Network(neck=0, dropout=0),
    tuning=LORA,
    steps=4,
    eval_every=2,
)


class Block(nn.Sequential):
    """Two linear layers, each with a norm."""

    width = 4

    def __init__(self) -> None:
        super().__init__(
            *(nn.Linear(5, 6), nn.LayerNorm(6), nn.ReLU()),
            *(nn.Linear(6, 4, bias=False), nn.BatchNorm1d(4)),
        )


def method(tuning: FineTuning, kind=SourceOnly):
    torch.manual_seed(0)
    backbone = Block()
    if tuning.moves == "lora":
        add_lora(backbone, tuning.lora_rank)
    m = kind.Hparams().build(backbone, 3, Network(neck=4, dropout=0))
    hold_stages(tuning, m.backbone)
    return m


def moved(m, tuning: FineTuning, batch) -> set[str]:
    """Names of the parameters of the backbone that six steps change."""
    before = {name: p.clone() for name, p in m.backbone.named_parameters()}
    optimizer = SGD(group_parameters(tuning, m, {"": 0.1}, {"lr": 0.1}), weight_decay=0.1)
    list(fit(m, [batch] * 6, optimizer, 6, every=6))
    return {name for name, p in m.backbone.named_parameters() if not p.equal(before[name])}


def test_only_norms_move(batch):
    m = method(NORM)
    statistics = m.backbone[4].running_mean.clone()
    assert moved(m, NORM, batch) == {"1.weight", "1.bias", "4.weight", "4.bias"}
    assert not m.backbone[4].running_mean.equal(statistics)


def test_only_low_rank_matrices_move(batch):
    m = method(LORA)
    statistics = m.backbone[4].running_mean.clone()
    assert moved(m, LORA, batch) == {f"{i}.lora_{x}" for i in (0, 3) for x in "ab"}
    assert m.backbone[4].running_mean.equal(statistics)
    trained = sum(p.numel() for p in m.backbone.parameters() if p.requires_grad)
    assert trained == 2 * (5 + 6) + 2 * (6 + 4)


def test_the_first_outputs_are_those_of_the_plain_network():
    plain = Block().eval()
    x, y = (x := torch.randn(7, 5)), plain(x)
    add_lora(plain, 2)
    assert plain(x).equal(y)


def test_a_layer_adds_the_product_of_its_matrices():
    layer = nn.Linear(5, 6)
    add_lora(layer, 2)
    nn.init.normal_(layer.lora_b)
    x = torch.randn(2, 7, 5)
    expected = F.linear(x, layer.weight + layer.lora_b @ layer.lora_a, layer.bias)
    torch.testing.assert_close(layer(x), expected)


def test_merged_layers_are_plain_and_give_the_same_outputs(batch):
    m = method(LORA)
    moved(m, LORA, batch)
    m.eval()
    x = torch.randn(7, 5)
    y, state = m.predict(x), m.state_dict()
    merge_lora(m)
    torch.testing.assert_close(m.predict(x), y, rtol=1e-5, atol=1e-5)
    assert not any(isinstance(layer, LoraLinear) for layer in m.modules())
    assert all(x.equal(state[name]) for name, x in m.state_dict().items())


@pytest.mark.parametrize("kind", [SourceOnly, MeanTeacher])
def test_states_have_no_matrices_and_load_back(kind, batch):
    m = method(LORA, kind)
    moved(m, LORA, batch)
    m.eval()
    x = torch.randn(7, 5)
    y, state = m.predict(x), {name: x.clone() for name, x in m.state_dict().items()}
    assert not [name for name in state if "lora" in name]
    other = method(LORA, kind).eval()
    other.load_state_dict(state)
    torch.testing.assert_close(other.predict(x), y, rtol=1e-5, atol=1e-5)


def test_the_best_weights_come_back(batch):
    m = method(LORA)
    best = BestWeights(FineTuning(chosen_by="infomax"))
    moved(m, LORA, batch)
    m.eval()
    x = torch.randn(7, 5)
    y = m.predict(x)
    best.update({"infomax": 1.0}, m)
    m.train()
    moved(m, LORA, batch)
    best.restore(m)
    torch.testing.assert_close(m.eval().predict(x), y, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["adda", "sdat", "mcd", "mean_teacher", "fixmatch"])
def test_weights_of_a_run_need_no_lora(name):
    run = replace(RUN, method=METHODS[name].Hparams())
    parts = assemble(run, "cpu")
    curve, _ = train.fit(run, parts, quiet=True)
    record = train.build_record(run, parts, curve, 1.0, 1.0)
    train.save_with_weights(record, run, parts, train.Path("results"))
    x = parts.task.target_test.x[:9]
    with torch.no_grad():
        expected = parts.method.eval().predict(x)
        torch.testing.assert_close(load_model(run.id).method.predict(x), expected)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"regime": "frozen", "init": "pretrained"}, "moves lora needs regime full"),
        ({"sparsity": 0.5, "init": "0" * 12}, "sparsity needs moves all, not lora"),
        (
            {"method": METHODS["tent"].Hparams(), "init": "0" * 12},
            "tent trains norms alone, and no moves lora",
        ),
    ],
)
def test_settings_that_do_not_go_with_lora(change, said):
    with pytest.raises(ValueError, match=said):
        replace(RUN, **change)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"moves": "norm", "last": 1}, "moves norm needs last, freeze and unfreeze_every 0"),
        ({"lora_rank": 4}, "lora_rank needs moves lora"),
        ({"moves": "lora", "lora_rank": 0}, "lora_rank is 1 or more"),
    ],
)
def test_settings_that_contradict_each_other(settings, said):
    with pytest.raises(ValueError, match=said):
        FineTuning(**settings)


def test_backbones_without_such_layers_are_told():
    convolution = nn.Sequential(nn.Conv2d(3, 4, 1))
    with pytest.raises(ValueError, match=r"moves lora needs linear layers, .* none, known: norm"):
        add_lora(convolution, 2)
    with pytest.raises(ValueError, match=r"moves norm trains norms, .* none, known: lora"):
        hold_stages(NORM, convolution)
