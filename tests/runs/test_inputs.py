"""What a user gives a finished network."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import da
import da.runs.inputs
from da.evaluation.predictions import outputs
from da.runs.trained_model import TrainedModel
from da.training.setup import assemble
from da.training.train import fit, save_run_weights
from tests.fixtures.datasets import noise

IMAGES, Y = noise(12, 9, 11, 3), [0, 1] * 6
FIRST = torch.tensor(IMAGES).movedim(3, 1)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU())


@cache
def trained(method: str, regime: str) -> tuple[TrainedModel, torch.Tensor, torch.Tensor]:
    """A network, with the logits and features that the run itself computed."""
    task = da.Task(source=(IMAGES, Y), target=IMAGES, name="few", classes=["no", "yes"])
    settings = {"regime": regime, "side": 8, "steps": 2, "batch": 6}
    run = da.Run(da.methods.METHODS[method].Hparams(), task, network(), **settings)
    parts = assemble(run, "cpu")
    fit(run, parts, quiet=True)
    folder = Path(mkdtemp())
    save_run_weights(run, parts, folder)
    tests, made = parts.task.target_test, parts.method
    order = tests.rows.argsort()
    found = (outputs(made, part, tests)[order] for part in (made.predict, made.embed))
    return da.load_model(run.id, folder), *found


@cache
def of_rows() -> TrainedModel:
    rows = torch.tensor(IMAGES[:, 0, :6, 0]).float()
    task = da.Task(source=(rows, Y), target=rows, name="rows")
    run = da.Run(da.methods.CORALMap(), task, "identity", steps=1)
    da.train(run, quiet=True, save_weights=True, results=(folder := mkdtemp()))
    return da.load_model(run.id, folder)


@pytest.mark.parametrize("regime", ["full", "frozen"])
@pytest.mark.parametrize("method", ["dann", "mcd", "coral_map"])
def test_predictions_and_features_are_those_of_the_run(method, regime):
    if (method, regime) == ("coral_map", "full"):
        return
    model, logits, features = trained(method, regime)
    model.to("cpu")
    torch.testing.assert_close(model.probabilities(IMAGES), logits.softmax(1))
    torch.testing.assert_close(model.features(IMAGES), features)
    assert model.predict(IMAGES) == [("no", "yes")[i] for i in logits.argmax(1)]


@pytest.mark.parametrize(
    "images",
    [
        torch.tensor(IMAGES),
        FIRST,
        FIRST / 255,
        [Image.fromarray(image) for image in IMAGES],
        TensorDataset(FIRST, torch.tensor(Y)),
        (IMAGES, Y),
    ],
    ids=["last", "first", "floats", "pictures", "dataset", "pair"],
)
def test_images_come_in_many_forms(images):
    model, logits, _ = trained("dann", "full")
    torch.testing.assert_close(model.probabilities(images), logits.softmax(1))


def test_files_and_a_picture_alone():
    model, _, _ = trained("dann", "full")
    Image.fromarray(IMAGES[0]).save("a.png")
    expected = model.probabilities(IMAGES[:1])
    for one in ("a.png", Path("a.png"), ["a.png"], Image.open("a.png")):
        assert model.probabilities(one).equal(expected)
    for two in (("a.png", Path("a.png")), (Image.open("a.png"), Image.open("a.png"))):
        assert model.probabilities(two).equal(expected.expand(2, -1))


def test_images_of_other_sizes_come_together():
    model, _, _ = trained("dann", "full")
    assert len(model.predict([noise(1, 5, 40, 3)[0], noise(1, 30, 3)[0]] * 20)) == 40


@pytest.mark.parametrize(
    ("images", "line"),
    [
        (IMAGES[0], r"shape \(9, 11, 3\): give one image as images\[None\]"),
        (IMAGES / 1.0, "values from 0 to 2.., known: floats from 0 to 1"),
        (["none.png"], "cannot decode none.png: No such file"),
        ([], "images holds no images"),
        ({"a": 1}, "a list or a Dataset, not dict"),
        (DataLoader([1]), "a list or a Dataset, not DataLoader"),
        ((FIRST[0], FIRST[1]), "give one image as"),
        ([b"png"], r"images\[0\] is of bytes"),
        (torch.zeros(2, 7), r"images\[0\] is a row of 7 numbers"),
    ],
)
def test_what_is_no_image_is_told(images, line):
    model, _, _ = trained("dann", "full")
    with pytest.raises(ValueError, match=line):
        model.predict(images)


def test_rows_of_features():
    rows = np.random.default_rng(0).normal(size=(5, 6))
    assert of_rows().features(rows).shape == (5, 6)
    assert of_rows().to_torch()(torch.tensor(rows).float()).shape == (5, 2)
    with pytest.raises(ValueError, match="row of 3 numbers, the network takes 6"):
        of_rows().predict(rows[:, :3])
    with pytest.raises(ValueError, match="is an image, the network takes rows of 6 numbers"):
        of_rows().predict(IMAGES)
    with pytest.raises(ValueError, match=r"images\[0\] has nan in column 2, known: finite"):
        of_rows().predict(rows * [1, 1, np.nan, 1, 1, 1])


def test_texts_go_to_a_backbone_that_has_tokens():
    class Texts(nn.Module):
        def tokenize(self, texts):
            return [[len(word) for word in text.split()] for text in texts]

    (batch,) = da.runs.inputs.iterate_inputs(["a bee", "ant"], 0, Texts())
    assert batch.tolist() == [[1, 3], [3, -1]]


@pytest.mark.parametrize("method", ["dann", "mcd", "coral_map"])
def test_a_plain_module_gives_the_same_logits_is_exported_and_trains_on(method):
    model, _, _ = trained(method, "frozen")
    plain = model.to_torch()
    stored = FIRST.new_zeros(2, 3, model.stored_side, model.stored_side) + FIRST[:2, :, :1, :1]
    expected = model(stored.movedim(1, 3))
    torch.testing.assert_close(plain(stored), expected)
    torch.testing.assert_close(plain(stored / 255), expected)
    assert not any("discriminator" in name for name in plain.state_dict())
    sizes = ({0: torch.export.Dim.DYNAMIC},)
    exported = torch.export.export(plain, (FIRST[:2],), dynamic_shapes=sizes).module()
    torch.testing.assert_close(exported(FIRST), plain(FIRST))
    plain(FIRST).sum().backward()
    assert all(x.grad is not None for x in plain.network.method.head.parameters())
    assert not any(x.requires_grad for x in model.parameters())
