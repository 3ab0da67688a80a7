"""Predictions of runs whose target has unknown images, as their evaluations decide."""

from dataclasses import replace

import numpy as np
import pytest

from da.config.task_name import TaskName
from da.data import tasks
from da.data.label_sets import share_classes
from da.deploy import export
from da.deploy.csv_rows import csv_cells, csv_heads
from da.deploy.predict import UNKNOWN, load_onnx, wrap_network
from da.results.records import Record
from da.runs.trained_model import load_model
from tests.fixtures.runs import pictures, run_of, stand_in, trained


@pytest.fixture(autouse=True)
def _pictures(monkeypatch):
    def open_domains(name, read=tasks.USUAL):
        return share_classes(TaskName.parse(name), None, *stand_in(name, read))

    monkeypatch.setattr(tasks, "open_domains", open_domains)


def trained_open(name: str) -> tuple[Record, np.ndarray]:
    """A run whose target has one class that the source lacks, and the target's test images."""
    record, parts = trained(replace(run_of(name), task="digits:mnist-mnistm+open2", steps=20))
    return record, pictures("flower.jpg").x[parts.task.target_test.rows].numpy()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["source_only", "osbp", "ovanet", "dance", "uniot"])
def test_rejected_images_are_those_of_the_evaluation(name):
    record, images = trained_open(name)
    of = {k: int(n) for k, n in record.curve[-1].items() if k.startswith("confusion/")}
    rejected = sum(n for k, n in of.items() if k.endswith("/2"))
    finished = load_model(record.id)
    assert finished.predict(images).count(UNKNOWN) == rejected
    model = wrap_network(finished)
    assert model.rejects == (name != "uniot")  # which compares images with each other
    if model.rejects:
        rows = [*zip(*model.outputs(images)[::2], strict=True)]
        assert [model.name_classes(row)[0][0] for row in rows].count(UNKNOWN) == rejected
        cells = [dict(zip(csv_heads(model), csv_cells(model, row), strict=True)) for row in rows]
        assert sum(row["class"] == UNKNOWN for row in cells) == rejected
        assert all((row["class"] == UNKNOWN) == (float(row[UNKNOWN]) > 0.5) for row in cells)


def test_a_closed_task_has_no_unknown_images():
    model = wrap_network(load_model(trained(run_of("osbp"))[0].id))
    assert not model.rejects
    assert csv_heads(model)[-1] == "other"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ovanet", "uniot"])
def test_an_exported_file_rejects_what_the_run_rejects(name, tmp_path):
    record, images = trained_open(name)
    export.export(record, tmp_path / "x.onnx", "onnx")
    ours, theirs = wrap_network(load_model(record.id)), load_onnx(tmp_path / "x.onnx")
    assert theirs.rejects == ours.rejects == (name == "ovanet")
    for a, b in zip(theirs.outputs(images), ours.outputs(images), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
