from dataclasses import fields

import pytest
import torch

from da.data import domain, tasks
from da.data.domain import Images
from da.evaluation.predictions import Predictions, accuracy, outputs, predict
from da.methods import Method, Network
from da.methods.dann import DANN
from da.methods.source_only import SourceOnly
from da.models.backbones.mlp import MLP
from tests.conftest import points


@pytest.fixture
def task() -> domain.Task:
    torch.manual_seed(0)
    y = torch.arange(600) % 3
    source, target = (points(m + torch.randn(600, 5), y, 3) for m in (0, 1))
    return tasks.build_task("moons:0-1", source, target)


@pytest.fixture
def trained(batch) -> Method:
    """In training mode, with batch norm and dropout that matter."""
    torch.manual_seed(0)
    m = DANN.Hparams(hidden=(8,)).build(MLP(5, 16), 3, Network(neck=8, dropout=0.5))
    m.predict(batch.source.x)
    return m.train()


def test_predictions_carry_no_target_classes():
    names = [field.name for field in fields(Predictions)]
    logits = ["source_logits", "source_y", "target_logits"]
    features = ["source_features", "target_features", "source_domain", "target_domain"]
    changed = ["target_views", "mixed_logits", "mixed_with"]
    assert names == [*logits, *features, *changed, "head_weight"]


def test_an_image_is_judged_alone(trained, task):
    together = outputs(trained, trained.predict, task.target_test)
    some = Images(task.target_test.x, task.target_test.rows[7:9])
    torch.testing.assert_close(outputs(trained, trained.predict, some), together[7:9])


def test_looking_changes_nothing(trained, task):
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    first, again = predict(trained, task), predict(trained, task)
    assert first.target_logits.equal(again.target_logits)
    assert all(value.equal(before[name]) for name, value in trained.state_dict().items())


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_of_before_comes_back(trained, task, training):
    predict(trained.train(training), task)
    assert all(module.training == training for module in trained.modules())


def test_all_images_are_judged_in_their_order(trained, task):
    seen = predict(trained, task)
    trained.eval()
    for images, logits in (
        (task.source_test, seen.source_logits),
        (task.target_test, seen.target_logits),
    ):
        assert len(images) > 256
        expected = trained.predict(images.x[images.rows]).detach()
        torch.testing.assert_close(logits, expected)
        assert not logits.requires_grad
    assert seen.source_y.equal(task.source_test.y)


def test_source_images_go_the_way_of_the_source(task):
    class Apart(SourceOnly):
        def embed_source(self, x):
            return self.embed(2 * x)

    m = Apart.Hparams().build(MLP(5, 16), 3).eval()
    x_s, x_t = (images.x[images.rows] for images in (task.source_test, task.target_test))
    seen = predict(m, task)
    torch.testing.assert_close(seen.source_logits, m.predict(2 * x_s).detach())
    torch.testing.assert_close(seen.target_logits, m.predict(x_t).detach())


def test_accuracy_is_a_percentage():
    logits = torch.tensor([[2.0, 1, 0], [0, 3, 1], [0, 1, 5], [9, 1, 5]])
    assert accuracy(logits, torch.tensor([0, 1, 2, 2])) == 75
    assert accuracy(logits, torch.tensor([1, 2, 0, 1])) == 0
