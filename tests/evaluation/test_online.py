"""What is measured of predictions that were made while images came, where some are unknown."""

from dataclasses import replace

import pytest
import torch

from da.data.domain import LabeledImages
from da.evaluation.measured import measure
from da.evaluation.online import measure_online
from da.evaluation.predictions import Predictions
from da.methods.osbp import OSBP
from da.methods.source_only import SourceOnly
from da.methods.tent import Tent
from tests.conftest import build
from tests.data.test_streams import stream_task


@pytest.mark.parametrize("method", [SourceOnly, OSBP, Tent])
def test_rejected_unknown_images_are_right_online_too(method):
    torch.manual_seed(0)
    task = stream_task("", several=False, images=12)
    y = torch.tensor([0, 1, 2, 3, 3, 3, 0, 1, 2, 3, 3, 3])
    task = replace(
        task,
        name="moons:0-40+open2+stream",
        target_test=LabeledImages(task.target_test.x, torch.arange(12), y),
    )
    logits = torch.nn.functional.one_hot(y % 3, 3) * 9.0
    logits[3:6], logits[0] = 0, 0  # uncertain: three of unknown images, one of a known one
    m = build(method).eval()
    device = torch.device("cpu")
    if method is Tent:
        m.online = logits.clone()
        assert measure_online(m, Predictions(logits, y, logits), task)["metric/online_error"] == (
            pytest.approx(100 * 4 / 12)  # that one, and three unknown ones that look certain
        )
    else:
        seen = Predictions(logits, y, logits)
        accuracy = measure(m, seen, task, device)["target_accuracy"]
        error = measure_online(m, seen, task, device)["metric/online_error"]
        assert error == pytest.approx(100 - accuracy)
