import re

import pytest
import torch

from da.data import tasks
from da.data.transforms import Resize, crop_center
from da.evaluation.predictions import outputs
from da.methods import METHODS
from da.models import saved_weights
from da.models.saved_weights import NetworkInfo
from da.results.records import Record
from da.runs.trained_model import load_model
from da.training.setup import Parts
from tests.fixtures.runs import CLASSES, RUN, SIDE, STORED, pictures, run_of, stand_in, trained


@pytest.fixture(autouse=True)
def _pictures(monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)


def assert_equals_evaluation(record: Record, parts: Parts, monkeypatch) -> None:
    """Logits of the restored network, from pixels and from nothing else, are evaluation's."""
    tests = parts.task.target_test
    expected = outputs(parts.method, parts.method.predict, tests)
    monkeypatch.setattr(tasks, "open_domains", None)
    finished = load_model(record.id)
    found = finished(pictures("flower.jpg").x[tests.rows])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert found.std(0).min() > 1e-3  # not the same for all images
    assert finished.classes == CLASSES
    assert (finished.resize, finished.stored_side) == (tests.resize, STORED)
    assert not any(p.requires_grad for p in finished.parameters())


@pytest.mark.usefixtures("names_as_noise")
@pytest.mark.parametrize("name", [name for name, kind in METHODS.items() if not kind.taught])
def test_a_run_on_features_is_whole_again(name, monkeypatch):
    trained(RUN)
    assert_equals_evaluation(*trained(run_of(name, regime="frozen", init=RUN.id)), monkeypatch)


@pytest.mark.parametrize("name", ["source_only", "adabn", "mcd", "mean_teacher", "tent"])
def test_a_run_that_moved_its_backbone_is_whole_again(name, monkeypatch):
    trained(RUN)
    assert_equals_evaluation(*trained(run_of(name)), monkeypatch)


def test_a_run_that_enlarged_its_images_is_whole_again(monkeypatch):
    larger = {"backbone": "test_byobnet", "side": 40, "crop_pct": 0.8}  # which wants bicubic
    assert_equals_evaluation(*trained(run_of("source_only", **larger)), monkeypatch)


def test_pixels_and_network_input_give_the_same_logits():
    record, _ = trained(RUN)
    finished, x = load_model(record.id), pictures("flower.jpg").x[:5]
    torch.testing.assert_close(finished(crop_center(x, Resize(SIDE))), finished(x))


def test_weights_that_were_not_kept_are_asked_for():
    record = Record(RUN.id, RUN.settings(), [], 0)
    with pytest.raises(ValueError, match=f"no weights of run '{RUN.id}' in results/weights: "):
        load_model(record.id)


def test_weights_of_an_earlier_version_are_asked_for_again():
    record, parts = trained(RUN)
    file = saved_weights.weights_file(RUN.id)
    torch.save({**parts.method.state_dict(), "origin": "random"}, file)
    with pytest.raises(
        ValueError, match=f"{re.escape(str(file))} is of an earlier version: remove it and train"
    ):
        load_model(record.id)


def test_weights_of_another_network_are_refused():
    record, parts = trained(RUN)
    about = NetworkInfo(
        "random", ("left", "right"), (SIDE, "bilinear", 1.0), STORED, RUN.settings()
    )
    saved_weights.save_weights(RUN.id, parts.method.state_dict(), about)
    with pytest.raises(ValueError, match=f"weights of run '{RUN.id}' are of another network"):
        load_model(record.id)
