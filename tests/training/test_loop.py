"""`da.fit`: the same trainer over loaders of any kind."""

from itertools import islice

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import da
from da.data.loaders import batches
from da.data.own_loaders import pair_loaders
from da.methods import METHODS
from da.runs.run import Run
from da.training.loop import check_arguments
from da.training.setup import assemble
from da.training.train import fit as train_parts
from tests.conftest import skip_without
from tests.fixtures.datasets import noise

CPU = torch.device("cpu")


def numbers(count: int, seed: int = 0, width: int = 5) -> TensorDataset:
    y = torch.arange(count) % 3
    x = torch.randn(count, width, generator=torch.Generator().manual_seed(seed))
    return TensorDataset(x + y[:, None], y)


def mlp(width: int = 5) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(width, 16), nn.ReLU())


def loaders(**options) -> tuple[DataLoader, DataLoader]:
    options = {"batch_size": 8, "generator": torch.Generator().manual_seed(0)} | options
    return DataLoader(numbers(20), **options), DataLoader(numbers(13, 1), **options)


def fit(method=None, sides=None, **settings):
    usual = {"backbone": mlp(), "classes": 3, "steps": 6, "device": "cpu"}
    return da.fit(method or da.methods.DANN(), *(sides or loaders()), **usual | settings)


@pytest.mark.parametrize("kind", METHODS.values(), ids=METHODS)
def test_each_method_trains_or_says_what_it_needs(kind):
    skip_without(kind.needs)
    needs = [kind.source_free, kind.taught, kind.takes_shots, kind.frozen_only, kind.takes_domains]
    if any(needs) or kind.overrides("prepare"):
        with pytest.raises(ValueError, match=kind.name) as error:
            fit(kind.Hparams())
        assert "\n" not in str(error.value)
    else:
        assert fit(kind.Hparams()).predict(numbers(4)[:][0]).shape == (4, 3)


def test_losses_are_those_of_a_run_with_the_same_batches():
    y = [0, 1] * 10
    task = da.Task(source=(noise(20, 9, 9, 3), y), target=(noise(20, 9, 9, 3, seed=1), y))
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU())
    common = {"steps": 6, "eval_every": 1, "lr": 0.01, "seed": 3}
    run = Run(da.methods.DANN(), task, net, regime="full", side=16, batch=8, **common)
    parts = assemble(run, "cpu")
    seen = list(islice(batches(parts.task, 8, 3), 6))
    sides = [(b.source.x, b.source.y) for b in seen], [b.target.x for b in seen]
    found = []
    fit(
        sides=sides,
        backbone=net,
        classes=2,
        on_evaluation=found.append,
        **common,
    )
    curve, _ = train_parts(run, parts, quiet=True)
    for ours, point in zip(found, curve, strict=True):
        for name, loss in ours.items():
            assert loss == pytest.approx(point[name], abs=1e-6)


def test_short_batches_are_joined_and_loaders_read_again():
    made = list(islice(pair_loaders(*loaders(), CPU, 40), 5))
    assert {len(b.source.x) for b in made} == {len(b.target.x) for b in made} == {8}
    assert torch.cat([b.source.x for b in made]).equal(torch.cat([numbers(20)[:][0]] * 2))
    assert torch.cat([b.source.y for b in made]).equal(torch.cat([numbers(20)[:][1]] * 2))
    target = torch.cat([b.target.x for b in made])
    assert target[13:26].equal(target[:13])
    assert torch.cat([b.target.index for b in made]).equal(torch.arange(40))


def test_drop_last_skips_them():
    made = list(islice(pair_loaders(*loaders(drop_last=True), CPU, 40), 4))
    assert made[2].source.x.equal(made[0].source.x)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (torch.tensor([0, 3]), "the label 3, known: whole numbers below 3"),
        (torch.tensor([-1, 2]), "the label -1, known"),
        (torch.tensor([0.5, 2]), "the label 0.5, known"),
        (torch.eye(2), r"labels of shape \(2, 2\), known: one each"),
    ],
)
def test_labels_of_no_class_are_told(y, said):
    with pytest.raises(ValueError, match=said):
        next(pair_loaders([(torch.zeros(2, 5), y)], [torch.zeros(2, 5)], CPU, 3))


class Endless(IterableDataset):
    def __iter__(self):
        while True:
            yield torch.randn(5), int(torch.randint(3, ()))


def test_endless_loaders():
    sides = DataLoader(Endless(), batch_size=4), DataLoader(numbers(9), batch_size=6)
    assert not fit(sides=sides).training


@pytest.mark.slow
def test_workers():
    sides = loaders(num_workers=1, persistent_workers=True)
    found = [fit(sides=side).state_dict() for side in (sides, loaders())]
    assert all(x.equal(found[1][name]) for name, x in found[0].items())


class SecretLabels:
    """Labels of a target batch that raise when anything is asked of them."""

    def __getattribute__(self, name):
        raise AssertionError(f"target labels were read: {name}")


def test_labels_of_the_target_are_not_looked_at():
    source, target = loaders()
    hidden = [(x, SecretLabels()) for x, _ in target]
    with pytest.raises(AssertionError, match="target labels were read"):
        _ = hidden[0][1].shape
    assert fit(sides=(source, hidden)).predict(numbers(2)[:][0]).shape == (2, 3)


def test_the_module_is_trained_in_place_with_settings_of_a_run():
    module = mlp()
    before = module[0].weight.clone()
    seen = []
    fit(
        backbone=module,
        optimizer="sgd",
        lr=0.1,
        network=da.Network(neck=0),
        eval_every=4,
        on_evaluation=lambda point: seen.append((*point,)),
    )
    assert not module[0].weight.equal(before)
    assert seen == [("step", "loss/task", "loss/domain")] * 2


def test_an_error_of_the_callback_ends_the_training_as_it_is():
    with pytest.raises(ZeroDivisionError, match=r"^enough$"):
        fit(on_evaluation=_raise)


def _raise(point):
    raise ZeroDivisionError("enough")


def test_images_of_one_channel():
    x, y = torch.tensor(noise(8, 1, 6, 6)), torch.arange(8) % 2
    data = DataLoader(TensorDataset(x, y), batch_size=4)
    assert fit(sides=(data, data), backbone=nn.Conv2d(1, 3, 3), classes=2).predict(x).shape == (
        8,
        2,
    )


@pytest.mark.parametrize(
    ("sides", "said"),
    [
        (([], [torch.zeros(2, 5)]), "source_loader gives no batch$"),
        (([torch.zeros(2, 5)],) * 2, "source_loader gives pairs of two tensors"),
        ((loaders()[0], [{"x": 1}]), "target_loader gives tensors of images"),
        ((iter(loaders()[0]), loaders()[1]), "source_loader gives no batch a second time: give a"),
        (([(torch.zeros(3, 5), torch.zeros(2))], loaders()[1]), "gives 3 images with 2 labels"),
    ],
)
def test_wrong_loaders_are_told(sides, said):
    with pytest.raises(ValueError, match=said):
        fit(sides=sides)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"method": "dann"}, r"settings such as da.methods.DANN\(\), not 'dann'"),
        ({"backbone": "resnet18"}, "a module of torch, not 'resnet18': names need da.Task"),
        ({"classes": 1}, "classes is a number of 2 or more, not 1"),
        ({"classes": "3"}, "classes is a number of 2 or more, not '3'"),
    ],
)
def test_arguments_of_another_kind_are_told(given, said):
    usual = {"method": da.methods.DANN(), "backbone": mlp(), "classes": 3}
    with pytest.raises(ValueError, match=said):
        check_arguments(**usual | given)


def test_a_wrong_module_is_told():
    with pytest.raises(
        ValueError, match=r"no module from images to features: its output .* \(10,\)"
    ):
        fit(backbone=nn.Flatten(0))


def test_a_module_that_lora_trained_is_plain_again():
    module = mlp()
    before = module[0].weight.clone()
    trained = fit(backbone=module, tuning=da.FineTuning(moves="lora", lora_rank=2))
    assert type(module[0]) is nn.Linear
    change = module[0].weight - before
    assert torch.linalg.matrix_rank(change, tol=1e-5) == 2
    x = numbers(4)[:][0]
    assert trained.predict(x).equal(trained.head(trained.neck(module(x))))


def test_loaders_hold_out_nothing():
    with pytest.raises(ValueError, match="loaders hold out no image: leave hold_out out"):
        fit(hold_out=False)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("augment", {"augment": "flip"}),
        ("cuda_graph", {"cuda_graph": True}),
        ("batch", {"batch": 8}),
        ("crop_pct", {"crop_pct": 0.5}),
        ("chosen_by", {"tuning": da.FineTuning(chosen_by="infomax")}),
    ],
)
def test_what_loaders_do_not_know_is_refused(name, settings):
    with pytest.raises(ValueError, match=f"^{name} does nothing with loaders: leave it out, or"):
        fit(**settings)


def test_settings_of_a_step_hold_with_loaders():
    seen = []

    class Seeing(nn.Linear):
        def forward(self, x):
            seen.append((len(x), torch.are_deterministic_algorithms_enabled()))
            return super().forward(x)

    fit(
        backbone=Seeing(5, 4),
        steps=1,
        deterministic=True,
        optimization=da.Optimization(accumulate=4),
    )
    assert seen[-1] == (4, True)
    assert not torch.are_deterministic_algorithms_enabled()
