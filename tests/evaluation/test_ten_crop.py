"""Tests by ten crops of each image, as CDAN's and BSP's authors test."""

from dataclasses import replace

import pytest
import torch
from torchvision.transforms.functional import ten_crop

from da.config.transforms import Transforms
from da.data import tasks
from da.data.transforms import Resize, ten_crops
from da.evaluation import predictions
from da.runs.trained_model import load_model
from tests.fixtures.runs import RUN, SIDE, pictures, stand_in, trained

TEN = replace(RUN, transforms=Transforms(test_crop="ten_crop"))


@pytest.fixture(autouse=True)
def _pictures(monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)


def test_crops_are_torchvisions():
    x = pictures("flower.jpg").x[:3]
    theirs = torch.stack(ten_crop(x.permute(0, 3, 1, 2), [SIDE, SIDE]))
    assert torch.stack([*ten_crops(x, Resize(SIDE))]).equal(theirs)


def test_small_images_are_enlarged_to_have_room():
    crops = [*ten_crops(pictures("flower.jpg").x[:2], Resize(56, crop_pct=0.875))]
    assert {crop.shape for crop in crops} == {(2, 3, 56, 56)}
    assert not crops[0].equal(crops[3])


@pytest.fixture
def parts():
    return trained(TEN)[1]


def test_predictions_are_logits_of_the_mean_probabilities(parts):
    seen, method = predictions.predict(parts.method, parts.task), parts.method.eval()

    def mean(images):
        crops = ten_crop(images.take(torch.arange(len(images))).permute(0, 3, 1, 2), [SIDE, SIDE])
        with torch.no_grad():
            return torch.stack([method.predict(crop).softmax(1) for crop in crops]).mean(0)

    torch.testing.assert_close(seen.target_logits.softmax(1), mean(parts.task.target_test))
    torch.testing.assert_close(seen.source_logits.softmax(1), mean(parts.task.source_test))
    middle = predictions.outputs(method, method.predict, parts.task.target_test).softmax(1)
    assert (seen.target_logits.softmax(1) - middle).abs().max() > 1e-3
    torch.testing.assert_close(seen.target_logits.exp().sum(1), torch.ones(64))


def test_a_finished_run_predicts_as_it_was_tested(parts):
    want = predictions.predict(parts.method, parts.task).target_logits
    x = parts.task.target_test.take(torch.arange(64))
    model = load_model(TEN.id)
    torch.testing.assert_close(model(x), want, atol=1e-5, rtol=0)
    torch.testing.assert_close(model.to_torch()(x.permute(0, 3, 1, 2)), want, atol=1e-5, rtol=0)


def test_sure_predictions_stay_finite():
    """A class of no probability in any crop has a logit all the same."""
    sure = torch.tensor([[0.0, 500.0]])
    x = pictures("flower.jpg").x[:1]
    averaged = predictions.average_crops(lambda _: sure, x, Resize(SIDE))
    torch.testing.assert_close(averaged, torch.tensor([[-500.0, 0.0]]))
