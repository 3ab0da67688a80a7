import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image

from da.cli import main
from da.data import tasks
from da.results import records
from tests.fixtures import damaged
from tests.fixtures.runs import CLASSES, RUN, pictures, stand_in, trained

ABOUT = {"classes": '["red", "green", "blue"]', "preprocessing": '{"resize": 4}'}
COLORS = {"red": (250, 10, 10), "green": (0, 200, 0), "blue": (0, 0, 99)}


def da(*arguments: object) -> None:
    main.main([str(argument) for argument in arguments])


def write_model(file: Path, about: dict[str, str]) -> None:
    """A network in the form of our exported ones: its logits are the colors' means."""
    nodes = [
        helper.make_node("Cast", ["images"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x", "axes"], ["means"], keepdims=0),
        helper.make_node("Mul", ["means", "scale"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    given = [
        helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2]),
        helper.make_tensor("scale", TensorProto.FLOAT, [], [0.05]),
    ]
    pixels = helper.make_tensor_value_info("images", TensorProto.UINT8, ["b", "h", "w", 3])
    rows = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", 3])
        for name in ("probabilities", "logits")
    ]
    graph = helper.make_graph(nodes, "colors", [pixels], rows, given)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, about)
    onnx.save(model, file)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The working folder, with a model and a folder of three pictures at two depths."""
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "colors.onnx", ABOUT)
    (tmp_path / "photos" / "deep").mkdir(parents=True)
    for name, color in COLORS.items():
        place = Path("photos", "deep" * (name == "blue"), f"{name}.png")
        Image.new("RGB", (9, 5), color).save(place)
    Path("photos", "notes.txt").write_text("no picture")
    return tmp_path


def test_each_picture_has_a_line(folder, capsys):
    da("predict", "colors.onnx", "photos", "photos/red.png")
    assert capsys.readouterr().out.splitlines() == [
        "photos/deep/blue.png  blue  0.9860",
        "photos/green.png  green  0.9999",
        "photos/red.png  red  1.0000",
        "photos/red.png  red  1.0000",
    ]


def test_csv_has_every_class(folder, capsys):
    Path("photos", "red.png").rename(Path("photos", "a, b.png"))
    da("predict", "colors.onnx", "photos", "--csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [*rows[0]] == ["path", "class", "probability", "red", "green", "blue"]
    assert [row["class"] for row in rows] == ["red", "blue", "green"]
    assert rows[0]["path"] == "photos/a, b.png"
    for row in rows:
        assert row["probability"] == row[row["class"]]
        assert sum(float(row[label]) for label in COLORS) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("fit", "color"), [("squash", "blue"), ("crop", "green")])
def test_pictures_are_fitted_as_in_training(folder, capsys, fit, color):
    wide = Image.new("RGB", (30, 4), "blue")
    wide.paste((0, 255, 0), (13, 0, 17, 4))
    wide.save("wide.png")
    write_model(folder / "fits.onnx", ABOUT | {"preprocessing": f'{{"resize": 4, "fit": "{fit}"}}'})
    da("predict", "fits.onnx", "wide.png")
    assert capsys.readouterr().out.startswith(f"wide.png  {color}  ")


def test_predictions_that_are_no_numbers_are_an_error_of_each_file(folder, capsys):
    model = onnx.load("colors.onnx")
    model.graph.initializer[1].float_data[0] = float("nan")
    onnx.save(model, "colors.onnx")
    with pytest.raises(SystemExit) as ended:
        da("predict", "colors.onnx", "photos/red.png")
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert said.err.startswith("da: photos/red.png: the model predicts no numbers")
    assert not said.out


def test_more_pictures_than_a_batch_keep_their_order(folder, capsys):
    for i in range(70):
        Image.new("RGB", (4, 4), [*COLORS.values()][i % 3]).save(f"photos/{i:02}.png")
    da("predict", "colors.onnx", *(f"photos/{i:02}.png" for i in range(70)))
    labels = [line.split("  ")[1] for line in capsys.readouterr().out.splitlines()]
    assert labels == [[*COLORS][i % 3] for i in range(70)]


def test_a_picture_that_cannot_be_decoded_is_named_and_the_rest_is_done(folder, capsys):
    Path("photos", "bad.png").write_text("no picture")
    with pytest.raises(SystemExit) as ended:
        da("predict", "colors.onnx", "photos")
    out, err = capsys.readouterr()
    assert ended.value.code == 1
    assert err.splitlines() == [
        "da: photos: left out: 1 .txt",
        "da: cannot decode photos/bad.png: it is not an image, or of an unknown format",
    ]
    assert len(out.splitlines()) == 3


def test_a_broken_chunk_does_not_lose_the_other_images(folder, capsys):
    damaged.break_png(Path("photos", "green.png"))
    with pytest.raises(SystemExit) as ended:
        da("predict", "colors.onnx", "photos/green.png", "photos/red.png")
    out, err = capsys.readouterr()
    assert ended.value.code == 1
    assert err.startswith("da: cannot decode photos/green.png: broken PNG file")
    assert out == "photos/red.png  red  1.0000\n"


def test_hidden_folders_are_not_classified(folder, capsys):
    Path("photos", ".checkpoints").mkdir()
    Path("photos", "red.png").rename(Path("photos", ".checkpoints", "red.png"))
    Path("photos", "again").symlink_to(".")
    da("predict", "colors.onnx", "photos")
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == [
        "photos/deep/blue.png",
        "photos/green.png",
    ]
    assert err.splitlines() == [
        "da: photos: left out: 1 .txt",
        "da: photos: left out links to folders of the same images: photos/again",
    ]


def test_dark_images_of_16_bits_are_told(folder, capsys):
    Image.fromarray(np.full((4, 4), 4095, np.uint16)).save("dark.png")
    da("predict", "colors.onnx", "dark.png")
    assert capsys.readouterr().err.startswith("da: no value in 1 images of 16 bits is above 4095")


def test_transparent_parts_are_white_in_predictions(folder, capsys):
    Image.new("RGBA", (4, 4), (0, 0, 255, 0)).save("clear.png")
    da("predict", "colors.onnx", "clear.png")
    assert capsys.readouterr().out == "clear.png  red  0.3333\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("colors.onnx", "no images: name files or folders of them"),
        ("colors.onnx nowhere.png", "no such file or folder: nowhere.png"),
        ("colors.onnx empty", "the folder empty has no image in it"),
        ("gone.onnx photos", "no such file: gone.onnx"),
        ("model.h5 photos", "unknown ending '.h5' of model.h5, known: .onnx, the id of a run or"),
        ("abc photos", "no record of a run 'abc' in results, known: none yet"),
        ("bad.onnx photos", "cannot read bad.onnx: "),
        ("foreign.onnx photos", "foreign.onnx does not say its classes: it is not by `da export`"),
    ],
)
def test_mistakes_are_one_line(folder, capsys, words, said):
    Path("empty").mkdir()
    Path("bad.onnx").write_text("junk")
    write_model(Path("foreign.onnx"), {})
    with pytest.raises(SystemExit) as ended:
        da("predict", *words.split())
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert err.startswith(f"da: {said}")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("abc --to onnx", "no record of a run 'abc' in results, known: "),
        (f"{RUN.id} --to onnx --out x.bin", "unknown ending '.bin' of x.bin, known: .onnx"),
        (
            f"{RUN.id} --to onnx",
            f"no weights of run '{RUN.id}' in results/weights: train or sweep it with --save-w",
        ),
    ],
)
def test_mistakes_of_export_are_one_line(folder, capsys, words, said):
    curve = [{"step": 1, "target_accuracy": 50.0}]
    records.save(records.Record(RUN.id, RUN.settings(), curve, 0), Path("results"))
    with pytest.raises(SystemExit) as ended:
        da("export", *words.split())
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"da: {said}")


TORCHLESS = """
import sys


class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError("torch was imported")


sys.meta_path.insert(0, NoTorch())
from da.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_onnx_needs_no_torch(folder):
    picture = folder / "photos" / "green.png"
    words = ["predict", folder / "colors.onnx", picture]
    command, package = [sys.executable, "-c", TORCHLESS, *words], Path(main.__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, cwd=package)
    assert (done.stdout, done.stderr) == (f"{picture}  green  0.9999\n", "")


@pytest.fixture
def run(folder, monkeypatch) -> str:
    """Id of a finished run with weights, and a record in the working folder."""
    monkeypatch.setattr(tasks, "open_domains", stand_in)
    record, _ = trained(RUN)
    records.save(record, Path("results"))
    return record.id


def test_a_run_is_used_where_its_record_lies(run, capsys):
    """The folder of the results can be moved or copied as a whole."""
    Path("results").rename("moved")
    for words in ((f"moved/{run}.json",), (run, "--results", "moved")):
        da("predict", words[0], "photos/red.png", *words[1:])
        assert capsys.readouterr().out.startswith("photos/red.png  ")


@pytest.mark.slow
def test_a_program_is_not_opened_by_predict(run, capsys, monkeypatch):
    da("export", run, "--to", "pt2")
    capsys.readouterr()
    for opens in ("torch.export.load", "torch.load", "pickle.load", "pickle.loads"):
        monkeypatch.setattr(opens, lambda *_, **__: pytest.fail("a program was opened"))
    with pytest.raises(SystemExit) as ended:
        da("predict", f"{run}.pt2", "photos")
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert err == (
        f"da: unknown ending '.pt2' of {run}.pt2, known: .onnx, the id of a run or its record; "
        "a .pt2 is for code of your own: torch.export.load\n"
    )


@pytest.mark.slow
def test_a_run_its_record_and_its_exported_program_say_the_same(run, capsys):
    image = pictures("flower.jpg").x[99:100]
    Image.fromarray(image[0].numpy()).save("piece.png")
    da("export", run, "--to", "pt2")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{run}.pt2: 3 classes, 0.")
    assert lines[1].startswith("differs from PyTorch by at most ")
    assert lines[1].endswith(f" on 64 test images of {RUN.task}")
    for model in (run, f"results/{run}.json"):
        da("predict", model, "piece.png", "--csv")
    header, said, *again = capsys.readouterr().out.splitlines()
    assert header == ",".join(["path", "class", "probability", *CLASSES])
    assert again == [header, said]
    about = {"da.json": ""}
    p, _ = torch.export.load(f"{run}.pt2", extra_files=about).module()(image)
    np.testing.assert_allclose([float(x) for x in said.split(",")[3:]], p[0], atol=1e-4)
    assert json.loads(json.loads(about["da.json"])["classes"]) == list(CLASSES)
