import copy
import json
from dataclasses import replace

import numpy as np
import onnx
import pytest

from da.data import tasks
from da.deploy import export
from da.deploy.export import MismatchError
from da.deploy.predict import Model, load_onnx, wrap_network
from da.evaluation.predictions import outputs
from da.runs.trained_model import load_model
from tests.fixtures.runs import CLASSES, RUN, STORED, pictures, run_of, stand_in, trained


@pytest.fixture(autouse=True)
def _pictures(monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)


def assert_shipped(run, file) -> None:
    """An ONNX file gives evaluation's probabilities, and PyTorch's for images of any size."""
    record, parts = trained(run)
    made = export.export(record, file, "onnx")
    tests, shipped = parts.task.target_test, load_onnx(file)
    assert (shipped.classes, shipped.side) == (CLASSES, STORED)
    assert made.difference <= 1e-4
    assert made.images == f"64 test images of {RUN.task}"
    logits = outputs(parts.method, parts.method.predict, tests)
    pixels = pictures("flower.jpg").x[tests.rows].numpy()
    p, z = shipped.outputs(pixels)
    np.testing.assert_allclose(z, logits, atol=1e-4)
    np.testing.assert_allclose(p, logits.softmax(1), atol=1e-4)
    larger = np.concatenate([pixels[:5], pixels[5:10]], axis=2)
    for some in (pixels[:1], pixels[:3, 8:, 2:-7], larger):
        np.testing.assert_allclose(
            shipped.outputs(some)[1],
            wrap_network(load_model(record.id)).outputs(some)[1],
            atol=1e-4,
        )


@pytest.mark.slow
def test_onnx_equals_pytorch_and_says_what_it_is(tmp_path):
    file = tmp_path / "lenet.onnx"
    assert_shipped(run_of("dann"), file)
    about = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    preprocessing = json.loads(about["preprocessing"])
    assert json.loads(about["classes"]) == list(CLASSES)
    assert about["run"] == run_of("dann").id
    assert about["version"].startswith("da-lab ")
    assert json.loads(about["settings"])["method"] == "dann"
    assert preprocessing["resize"] == STORED
    shown = {"interpolation": "bilinear", "crop_pct": 1, "test_crop": "center"}
    assert preprocessing["then"] == {"side": 28, **shown}
    assert (preprocessing["mean"], preprocessing["std"]) == ([0.5] * 3, [0.5] * 3)
    assert list(tmp_path.glob("*.onnx*")) == [file]  # weights are inside


@pytest.mark.slow
def test_onnx_of_a_mapping_on_a_library_network_equals_pytorch(tmp_path):
    begun = replace(RUN, backbone="test_resnet", side=40)
    trained(begun)
    run = run_of("tca", backbone="test_resnet", side=40, regime="frozen", init=begun.id)
    assert_shipped(run, tmp_path / "test_resnet.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_onnx_keeps_the_proportions_that_the_run_kept(tmp_path, fit):
    assert_shipped(run_of("source_only", fit=fit), tmp_path / "x.onnx")
    assert load_onnx(tmp_path / "x.onnx").fit == fit


@pytest.fixture
def changed_by(monkeypatch):
    """Lets an exporter write a network to which a number was added."""

    def change(number: float) -> None:
        written = []

        def write(network, example, about, file) -> None:
            network = copy.deepcopy(network.network)
            network.method.head[-1].bias[0] += number
            written.append(network)
            file.write_bytes(b"new")

        def open_(file) -> Model:
            return wrap_network(written[-1])

        monkeypatch.setitem(export.WRITE, "onnx", write)
        monkeypatch.setitem(export.OPEN, "onnx", open_)

    return change


def test_a_file_that_proves_equal_stays(tmp_path, changed_by):
    changed_by(1e-6)
    made = export.export(trained(RUN)[0], tmp_path / "x.onnx", "onnx")
    assert 0 < made.difference < 1e-5
    assert (tmp_path / "x.onnx").read_bytes() == b"new"


@pytest.mark.parametrize("number", [1e-3, float("nan")])
def test_a_file_that_differs_is_not_written(number, tmp_path, changed_by):
    (tmp_path / "x.onnx").write_bytes(b"old")
    changed_by(number)
    with pytest.raises(MismatchError, match=r"x\.onnx was not written: its outputs differ"):
        export.export(trained(RUN)[0], tmp_path / "x.onnx", "onnx")
    assert (tmp_path / "x.onnx").read_bytes() == b"old"
    assert [file.name for file in tmp_path.glob("*x.onnx*")] == ["x.onnx"]


@pytest.mark.slow
def test_a_program_is_read_again_and_checked(tmp_path, monkeypatch):
    real = export.WRITE["pt2"]

    def write(network, example, about, file) -> None:
        network = copy.deepcopy(network)
        network.network.method.head[-1].bias[0] += 1e-3
        real(network, example, about, file)

    monkeypatch.setitem(export.WRITE, "pt2", write)
    with pytest.raises(MismatchError, match=r"x\.pt2 was not written: its outputs differ"):
        export.export(trained(RUN)[0], tmp_path / "x.pt2", "pt2")
    assert not list(tmp_path.glob("*x.pt2*"))


def test_without_the_benchmark_it_is_checked_on_noise(tmp_path, changed_by, monkeypatch):
    changed_by(0)
    record, _ = trained(RUN)

    def gone(name, read=None):
        raise ValueError("no network")

    monkeypatch.setattr(tasks, "open_domains", gone)
    made = export.export(record, tmp_path / "x.onnx", "onnx")
    assert made.images == f"64 images of noise, since {RUN.task} is not here"


def test_what_cannot_be_exported_is_named(tmp_path, monkeypatch):
    def fail(*_) -> None:
        raise RuntimeError("no operator for it\nand much more")

    monkeypatch.setitem(export.WRITE, "pt2", fail)
    record, _ = trained(RUN)
    message = rf"cannot export run '{RUN.id}' \(source_only, lenet\) as pt2: no operator for it$"
    with pytest.raises(ValueError, match=message):
        export.export(record, tmp_path / "x.pt2", "pt2")
    assert not list(tmp_path.glob("*x.pt2*"))


def test_a_network_of_points_is_not_exported(tmp_path):
    run = replace(RUN, task="moons:0-40", backbone="mlp", side=0)
    with pytest.raises(ValueError, match=f"run '{run.id}' takes no images: moons:0-40"):
        export.export(trained(run)[0], tmp_path / "x.onnx", "onnx")


def test_images_for_the_check_are_spread_over_the_tests():
    images, _ = export._images(RUN, load_model(trained(RUN)[0].id))
    assert (images == pictures("flower.jpg").x[80:].numpy()).all()
