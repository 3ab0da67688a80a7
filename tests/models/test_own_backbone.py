"""Backbones that are objects: named by class and digest, trained from their weights, read back."""

import pickle

import pytest
import torch
from torch import nn

import da
from da.models import own_backbone
from da.models.own_backbone import register_backbone
from tests.fixtures.datasets import noise


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))


class Net(nn.Module):
    """Four features, as maps or as numbers."""

    def __init__(self, maps: bool = True):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.maps = maps

    def forward(self, x):
        f = self.norm(self.conv(x)).relu()
        return f if self.maps else f.mean((2, 3))


class Flat(nn.Sequential):
    """Fits images of 28 pixels alone."""

    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(3 * 28 * 28, 5))


def net(seed: int = 0, kind=Net, **options) -> nn.Module:
    torch.manual_seed(seed)
    return kind(**options)


def task() -> str:
    y = [0, 1] * 6
    return da.Task(source=(noise(12, 9, 9, 3), y), target=(noise(12, 9, 9, 3, seed=1), y))


def run(module, **settings) -> da.Run:
    usual = {"regime": "full", "steps": 3, "batch": 4, "eval_every": 2, "side": 16}
    return da.Run(da.methods.DANN(), task(), module, **usual | settings)


def test_the_name_has_class_and_digest():
    first = run(net())
    assert first.backbone.startswith("python:tests.models.test_own_backbone.Net-")
    assert run(net()).id == first.id
    assert run(net(seed=1)).id != first.id
    assert run(net(maps=False)).id != first.id
    assert run(net().eval()).id == first.id


@pytest.mark.parametrize("regime", ["full", "frozen"])
def test_it_trains_is_stored_and_predicts(regime, tmp_path):
    module = net()
    before = {name: x.clone() for name, x in module.state_dict().items()}
    one = run(module, regime=regime)
    record = da.train(one, quiet=True, save_weights=True, results=tmp_path)
    assert all(x.equal(before[name]) for name, x in module.state_dict().items())
    model = da.load_model(one.id, tmp_path)
    assert model(torch.tensor(noise(2, 9, 9, 3))).shape == (2, 2)
    own = (model.backbone or model.method.backbone).body.conv.weight
    assert own.equal(module.conv.weight) == (regime == "frozen")
    again = da.train(one, quiet=True)
    assert again.curve == record.curve


def test_frozen_features_are_those_of_the_module():
    with torch.no_grad():
        module = net()
        record = da.train(run(module, regime="frozen"), quiet=True)
        module.conv.weight.mul_(-3)
        other = da.train(run(module, regime="frozen"), quiet=True)
    assert record.curve[-1]["loss/task"] != other.curve[-1]["loss/task"]


def test_normalization_is_given_or_none():
    plain = da.train(run(net()), quiet=True)
    named = da.train(run(net(), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)), quiet=True)
    other = da.train(run(net(), mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2)), quiet=True)
    assert plain.curve == named.curve != other.curve


def test_another_process_gets_it(monkeypatch):
    sent = pickle.dumps(run(net(seed=7)))
    monkeypatch.setattr(own_backbone, "_known", {})
    assert da.train(pickle.loads(sent), quiet=True).curve


def test_without_it_the_record_is_read_and_the_run_is_not_trained(monkeypatch, tmp_path):
    one = run(net())
    da.sweep([one], tmp_path)
    monkeypatch.setattr(own_backbone, "_known", {})
    (record,) = da.load_records(tmp_path)
    assert da.Run.of(record.settings) == one
    assert "dann" in da.table([record])
    with pytest.raises(ValueError, match=r"is an object of Python: build its run again"):
        da.train(one)


def test_trained_weights_fit_any_module_of_the_class(monkeypatch, tmp_path):
    one = run(net())
    da.train(one, quiet=True, save_weights=True, results=tmp_path)
    monkeypatch.setattr(own_backbone, "_known", {})
    run(net(seed=3))
    assert da.load_model(one.id, tmp_path).classes == ("0", "1")


def test_the_side_that_fits_is_found():
    name = register_backbone(net(kind=Flat))
    assert own_backbone.build_own(name, init="pretrained").width == 5
    with pytest.raises(ValueError, match=r"does not fit images of 16 x 16 pixels, known: side 28"):
        da.train(run(net(kind=Flat)), quiet=True)


def test_rows_of_numbers():
    y = [0, 1] * 6
    rows = torch.randn(12, 6, generator=torch.Generator().manual_seed(0))
    named = da.Task(source=(rows, y), target=(rows + 1, y))
    module = nn.Sequential(nn.Linear(6, 8), nn.ReLU())
    record = da.train(da.Run(da.methods.DANN(), named, module, regime="full", steps=2), quiet=True)
    assert record.settings["backbone"].startswith("python:torch.nn.modules.container.Sequential-")


class Wrong(nn.Module):
    def forward(self, x):
        return x.flatten()


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (Wrong(), r"its output has the shape \(.*\), not b d or b d h w"),
        (nn.Conv2d(1, 2, 3), "Conv2d is no backbone for images b 3 h w: RuntimeError"),
        (nn.Sequential(nn.Flatten(), nn.LazyLinear(3)), "pass one batch through it first"),
    ],
)
def test_what_is_no_backbone_is_told(module, said):
    with pytest.raises(ValueError, match=said):
        register_backbone(module)


def test_its_weights_are_never_random():
    with pytest.raises(ValueError, match="set init to pretrained"):
        da.train(run(net(), init="random"), quiet=True)
    with pytest.raises(ValueError, match="backbone is text, not 3"):
        run(3)
