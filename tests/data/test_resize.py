"""How images are brought to the network's input: by the weights, or by hand."""

from dataclasses import replace

import pytest
import torch

from da.config.transforms import Transforms
from da.data import tasks
from da.data.transforms import Resize, crop_center, show_whole
from da.evaluation import predictions
from da.models import backbone
from da.runs.run import Run
from da.training import backbone_setup, setup
from da.training.setup import assemble
from tests.fixtures.runs import RUN, SIDE, STORED, pictures, stand_in, trained

LARGER = 2 * STORED
TIMM = {"backbone": "test_byobnet", "side": LARGER}
"""A network of timm whose weights want bicubic interpolation."""


@pytest.fixture(autouse=True)
def _pictures(monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)
    backbone._warn.cache_clear()


@pytest.mark.parametrize(
    ("settings", "resize"),
    [
        ({}, Resize(SIDE)),
        (TIMM, Resize(LARGER, "bicubic")),
        (TIMM | {"interpolation": "bilinear"}, Resize(LARGER, "bilinear")),
        (TIMM | {"crop_pct": 0.875}, Resize(LARGER, "bicubic", 0.875)),
        ({"backbone": "resnet18", "side": LARGER}, Resize(LARGER, "bilinear")),
    ],
)
def test_it_is_that_of_the_weights_but_where_it_is_given(settings, resize):
    task = assemble(replace(RUN, **settings), "cpu").task
    images = task.source_train, task.target_train, task.source_test, task.target_test
    assert {some.resize for some in images} == {resize}


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_training_and_evaluation_see_the_same_pixels(interpolation, monkeypatch):
    run = replace(RUN, **TIMM, interpolation=interpolation, crop_pct=0.8)
    parts = assemble(run, "cpu")
    want = crop_center(pictures("flower.jpg").x, Resize(LARGER, interpolation, 0.8))
    target = next(setup.run_batches(run, parts)).target
    assert target.x.equal(want[target.index])
    seen = []
    monkeypatch.setattr(parts.method, "predict", lambda x: seen.append(x) or x.flatten(1)[:, :1])
    predictions.outputs(parts.method, parts.method.predict, parts.task.target_test)
    assert torch.cat(seen).equal(want[parts.task.target_test.rows])


def test_crops_are_enlarged_as_the_weights_want():
    def first(how: str) -> torch.Tensor:
        run = replace(RUN, **TIMM, augment="crop", interpolation=how)
        return next(setup.run_batches(run, assemble(run, "cpu"))).target.x

    assert first("weights").equal(first("bicubic"))
    assert not first("weights").equal(first("bilinear"))


def test_features_are_those_of_the_interpolation():
    begun = replace(RUN, **TIMM)
    trained(begun)

    def features(how: str) -> torch.Tensor:
        run = replace(begun, regime="frozen", init=begun.id, interpolation=how)
        return assemble(run, "cpu").task.target_train.x

    assert features("weights").equal(features("bicubic"))
    assert not features("weights").equal(features("bilinear"))


def told(capsys, **settings) -> str:
    """What is said of a run that begins with the weights of another."""
    begun = replace(RUN, **TIMM)
    trained(begun)
    assemble(replace(begun, init=begun.id, **settings), "cpu")
    return capsys.readouterr().err


def test_another_one_by_hand_is_said_to_differ(capsys):
    warning = "warning: interpolation bilinear by hand, the weights of test_byobnet want bicubic\n"
    assert warning in told(capsys, interpolation="bilinear")


@pytest.mark.parametrize("how", ["weights", "bicubic"])
def test_what_the_weights_want_needs_no_word(capsys, how):
    assert "interpolation" not in told(capsys, interpolation=how)


@pytest.mark.parametrize("share", [0.0, -0.5, 1.1])
def test_an_impossible_share_is_refused(share):
    with pytest.raises(ValueError, match=f"crop_pct is above 0 and at most 1, not {share}"):
        replace(RUN, crop_pct=share)


def test_it_changes_no_id_where_it_is_not_given():
    assert Run.of({k: v for k, v in RUN.settings().items() if k != "interpolation"}).id == RUN.id
    assert replace(RUN, interpolation="bicubic").id != RUN.id


WHOLE = Transforms(test_crop="whole")


def test_whole_images_are_tested_and_seen_plain_in_training():
    parts = assemble(replace(RUN, transforms=WHOLE), "cpu")
    seen = parts.task.target_test.to_input(torch.arange(3), parts.device)
    every = show_whole(pictures("flower.jpg").x, Resize(SIDE))
    assert seen.equal(every[parts.task.target_test.rows[:3]])
    target = next(setup.run_batches(replace(RUN, transforms=WHOLE), parts)).target
    assert target.x.equal(every[target.index])


def test_frozen_features_know_how_their_images_were_seen():
    trained(RUN)

    def features(**settings) -> torch.Tensor:
        own = replace(RUN, regime="frozen", init=RUN.id, **settings)
        return assemble(own, "cpu").task.target_train.x

    plain = features()
    assert not features(transforms=WHOLE).equal(plain)
    crop = {"augment": "crop", "views": 1}
    wide = Transforms(crop_scale=(0.9, 1.0))
    assert not features(**crop).equal(features(**crop, transforms=wide))
    assert features().equal(plain)


@pytest.mark.parametrize(
    ("side", "share", "fits"),
    [(SIDE, 1, True), (STORED, 1, False), (STORED, 0.5, False), (64, 1, False), (64, 0.875, True)],
)
def test_a_random_crop_needs_images_that_are_larger(side, share, fits):
    run = replace(RUN, side=side, crop_pct=share, augment="random_crop_flip")
    if fits:
        backbone_setup._resized(run, "bilinear", pictures("flower.jpg"))
        return
    with pytest.raises(ValueError, match=f"larger than side, {side}, and they are stored with 32"):
        backbone_setup._resized(run, "bilinear", pictures("flower.jpg"))
