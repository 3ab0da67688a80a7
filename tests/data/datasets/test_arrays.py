from pathlib import Path

import numpy as np
import pytest

import da
from da.cli.main import main
from da.data import tasks
from da.data.datasets import arrays
from da.deploy.predict import load_run
from da.results.record_schema import MARKS
from da.runs.trained_model import load_model
from da.training.train import train

NAME = "arrays:a.npz-b.npz"


@pytest.fixture(autouse=True)
def files(monkeypatch, tmp_path) -> None:
    """Five features of two classes; the target's are moved."""
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    for i, name in enumerate("ab"):
        y = np.arange(40) % 2
        moved = 3 * (2 * y[:, None] - 1) * [1, -1, 1, -1, 1] + i
        np.savez(f"{name}.npz", x=draw.normal(size=(40, 5)) + moved, y=y)


def change(name: str, **arrays) -> None:
    with np.load(name) as old:
        kept = {key: old[key] for key in old.files}
    np.savez(name, **{k: v for k, v in (kept | arrays).items() if v is not None})


def run_of(method, task: str = NAME, **settings) -> da.Run:
    return da.Run(method, task, **({"steps": 30, "batch": 8, "eval_every": 30} | settings))


@pytest.mark.parametrize("name", ["CORALMap", "LinearMonge", "SubspaceAlignment", "MeanMap", "MCC"])
def test_methods_on_frozen_features_take_them_as_they_are(name):
    method = getattr(da.methods, name)()
    record = train(run_of(method, backbone="identity"), device="cpu", quiet=True)
    assert record.curve[-1]["target_accuracy"] > 75


def test_mlp_takes_points_of_any_dimension_and_its_weights_come_back():
    run = run_of(da.methods.DANN(), backbone="mlp", init="random", regime="full")
    record = train(run, device="cpu", quiet=True, save_weights=True)
    assert record.curve[-1]["target_accuracy"] > 75
    task = tasks.load_task(NAME)
    logits = load_model(run.id)(task.target_test.x)
    right = (logits.argmax(1) == task.target_test.y).float().mean().item() * 100
    assert right == pytest.approx(record.curve[-1]["target_accuracy"])
    change("a.npz", x=np.ones((40, 3)))
    change("b.npz", x=np.ones((40, 3)))
    tent = run_of(da.methods.Tent(), backbone="mlp", init=run.id, regime="full")
    with pytest.raises(ValueError, match="mlp does not fit points of 3 numbers, known: identity"):
        train(tent, device="cpu", quiet=True)


def test_a_model_of_frozen_features_predicts_from_them():
    run = run_of(da.methods.CORALMap(), backbone="identity")
    record = train(run, device="cpu", quiet=True, save_weights=True)
    task = tasks.load_task(NAME)
    right = load_model(run.id)(task.target_test.x).argmax(1) == task.target_test.y
    assert right.float().mean().item() * 100 == pytest.approx(record.curve[-1]["target_accuracy"])


def test_identity_takes_no_images():
    x = np.zeros((40, 8, 8, 1), np.uint8)
    change("a.npz", x=x)
    change("b.npz", x=x)
    assert tasks.load_task(NAME).source_train.x.shape == (40, 8, 8, 3)
    with pytest.raises(ValueError, match="identity does not fit images of 8 x 8 pixels"):
        train(run_of(da.methods.MCC(), backbone="identity"), device="cpu", quiet=True)


@pytest.mark.parametrize("end", ["", "+unlabelled"])
def test_a_target_without_labels_trains_alike(end):
    run = run_of(da.methods.MCC(), backbone="identity")
    labeled = train(run, device="cpu", quiet=True).curve[-1]
    if not end:
        change("b.npz", y=None)
    run = run_of(da.methods.MCC(), NAME + end, backbone="identity")
    point = train(run, device="cpu", quiet=True).curve[-1]
    assert {key.partition("/")[0] for key in labeled.keys() - point.keys()} <= {*MARKS}
    assert "target_accuracy" not in point
    assert all(labeled[key] == value for key, value in point.items())


def test_words_and_whole_floats_are_classes():
    change("a.npz", y=np.array(["yes", "no"] * 20))
    assert arrays.open_domain("a.npz").classes == ("no", "yes")
    change("a.npz", y=np.array([0.0, 10.0] * 20))
    assert arrays.open_domain("a.npz").classes == ("0", "10")


def broken(where: tuple[int, int]) -> np.ndarray:
    x = np.zeros((40, 5))
    x[where] = np.nan
    return x


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"x": broken((7, 3))}, "a.npz: x has nan in row 7, column 3"),
        ({"x": None}, "a.npz has the arrays y, known: x and y"),
        ({"x": np.zeros((40, 8, 9, 3), np.uint8)}, r"x has the shape \(40, 8, 9, 3\) of uint8"),
        ({"y": np.zeros(3)}, r"x has 40 rows, and y the shape \(3,\)"),
        ({"y": np.zeros(40)}, "a.npz has the classes 0: two are needed"),
        ({"y": np.linspace(0, 1, 40)}, "labels are whole numbers or words"),
        ({"y": np.array([None] * 40)}, "cannot read the arrays in .*a.npz"),
    ],
)
def test_faults_of_a_file_are_told_in_one_line(changed, said):
    change("a.npz", **changed)
    with pytest.raises(ValueError, match=said):
        arrays.open_domain("a.npz")


def test_other_files_are_named(capsys):
    Path("a.npz").write_bytes(b"PK no archive")
    with pytest.raises(ValueError, match=r"cannot read the arrays in .*a\.npz"):
        arrays.open_domain("a.npz")
    with pytest.raises(SystemExit):
        main(["train", "--task", "arrays:a.npz-c.npz", "--backbone", "identity", "mcc"])
    assert "no such file: 'c.npz'" in capsys.readouterr().err


def test_a_model_of_features_takes_no_images():
    run = run_of(da.methods.MCC(), backbone="identity", steps=2)
    record = train(run, device="cpu", quiet=True, save_weights=True)
    with pytest.raises(ValueError, match=rf"run '{run.id}' takes no images: {NAME}"):
        load_run(record)
