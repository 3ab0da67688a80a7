import base64
from io import BytesIO

import numpy as np
from PIL import Image

from da.report import image_data
from da.report.image_data import describe_changes, encode
from da.report.outputs import Outputs

Y = np.array([0, 1, 0, 1])


def outputs(row: int, predicted: list[int], y: np.ndarray = Y, task: int = 0) -> Outputs:
    return Outputs(row, task, 0, np.array(predicted), y, Y, ("a", "b"))


def take(task, places):
    return (
        np.zeros((len(places), 8, 8, 3), np.uint8) + np.array(places, np.uint8)[:, None, None, None]
    )


def test_images_whose_class_has_changed_are_shown():
    runs = [outputs(0, [0, 0, 0, 0]), outputs(1, [0, 1, 0, 0]), outputs(2, [1, 1, 0, 0])]
    found = describe_changes(runs, 0, take)
    assert found["places"] == [0, 1]
    assert (found["y"], found["before"]) == ([0, 1], [0, 0])
    assert found["runs"] == [{"row": 1, "after": [0, 1]}, {"row": 2, "after": [1, 1]}]
    assert len(found["images"]) == 2
    assert "2 of 4 test images" in found["said"]


def test_of_many_images_those_are_shown_that_most_rows_changed(monkeypatch):
    monkeypatch.setattr(image_data, "MOST_IMAGES", 1)
    runs = [outputs(0, [0, 0, 0, 0]), outputs(1, [0, 1, 1, 0]), outputs(2, [0, 0, 1, 0])]
    assert describe_changes(runs, 0, take)["places"] == [2]


def test_a_task_whose_images_are_not_here_is_passed_over():
    runs = [outputs(row, [row] * 4, task=task) for task in (0, 1) for row in (0, 1)]
    found = describe_changes(runs, 0, lambda task, places: take(task, places) if task else None)
    assert found["task"] == 1


def test_other_images_or_no_labels_are_not_compared():
    for y in (Y[:3], Y * 0 - 1):
        runs = [outputs(0, [0] * len(y), y), outputs(1, [1] * 4)]
        assert "needs the images" in describe_changes(runs, 0, take)
    assert "needs outputs" in describe_changes([], 0, take)
    assert "needs the images" in describe_changes([outputs(1, [0] * 4)], -1, take)


def test_a_picture_becomes_a_small_jpeg():
    wide = np.full((100, 200, 1), 250, np.uint8)
    image = Image.open(BytesIO(base64.b64decode(encode(wide))))
    assert (image.format, image.size, image.mode) == ("JPEG", (72, 36), "RGB")
    assert np.asarray(image).min() > 240
