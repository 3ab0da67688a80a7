from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from da.data import tasks
from da.data.texts import decode_texts, holds_texts

TASK = "captions:about.csv-photos"


@pytest.fixture(autouse=True)
def _files():
    write("a cat,cat", "cats,cat", "a dog,dog", '"dogs, two",dog')
    for name in ("cat", "dog"):
        Path("photos", name).mkdir(parents=True)
        for i in range(2):
            pixels = np.full((8, 8, 3), 40 * i + len(name), np.uint8)
            Image.fromarray(pixels).save(f"photos/{name}/{i}.png")


def write(*rows: str) -> None:
    Path("about.csv").write_text("\n".join(["text,label", *rows]) + "\n")


def test_texts_are_the_source_and_images_the_target():
    task = tasks.load_task(TASK)
    assert task.classes == ("cat", "dog")
    assert holds_texts(task.source_train.x)
    assert decode_texts(task.source_train.x) == ["a cat", "cats", "a dog", "dogs, two"]
    assert (len(task.source_train), len(task.source_test)) == (2, 2)
    assert task.target_test.x.shape[3] == 3
    assert task.is_tested
    assert not tasks.load_task(f"{TASK}+unlabelled").is_tested


@pytest.mark.parametrize(
    ("rows", "task", "error"),
    [
        (["a,cat", "b,dog", "c,dog"], TASK, "one text of the class 'cat': two are needed"),
        (["a,cat", " ,dog"], TASK, "about.csv, line 3, column text: no text"),
        (["a,cat", "b,cat", "c,bird", "d,bird"], TASK, "need the same classes, but .* bird"),
        (["a,cat"], "captions:photos-about.csv", "is no file of texts and folder of images"),
        (
            ["a,cat"],
            "captions:about.csv-nothing",
            "no such path: 'nothing'; known: two paths as in PATH/captions.csv",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(rows, task, error):
    write(*rows)
    with pytest.raises(ValueError, match=error) as told:
        tasks.load_task(task)
    assert "\n" not in str(told.value)
