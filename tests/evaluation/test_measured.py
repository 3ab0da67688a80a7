import pytest
import torch

from da.data import tasks
from da.evaluation.measured import measure
from da.evaluation.predictions import Predictions
from da.methods.source_only import SourceOnly
from tests.conftest import build, points


def test_few_shot_is_the_accuracy_on_the_first_three_images_of_each_class():
    """Of class 0 the first three are right and all others wrong, of class 1 one of them is."""
    y = torch.arange(40) % 2
    domain = points(torch.randn(40, 5, generator=torch.Generator().manual_seed(0)), y)
    task = tasks.build_task("moons:0-40", domain, domain)
    y = task.target_test.y
    said = 1 - y
    said[[0, 2, 4, 3]] = y[[0, 2, 4, 3]]
    logits = torch.eye(2)[said]
    seen = Predictions(logits, y, logits)
    found = measure(build(SourceOnly), seen, task, torch.device("cpu"))
    assert found["few_shot"] == pytest.approx(100 * (3 + 1) / 6)
    assert found["target_accuracy"] == pytest.approx(20)
