"""Images and texts in one space: a tiny CLIP, which the tests train and save."""

import logging
import re
from pathlib import Path
from shutil import copytree

import pytest

import da
from da.cli.main import main
from tests.fixtures.encoders import TASK, write_captions, write_clip, write_reviews, write_squares

pytest.importorskip("open_clip")

IMAGES, TEXTS = "folder:light-dark", "captions:captions.csv-dark"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("towers")
    logging.disable(logging.WARNING)
    write_clip(folder / "clip", steps=40)
    logging.disable(logging.NOTSET)
    write_squares(folder / "light")
    write_squares(folder / "dark", paper=60)
    write_captions(folder / "captions.csv")
    return folder


@pytest.fixture(autouse=True)
def _here(made, tmp_path):
    copytree(made, tmp_path, dirs_exist_ok=True)


def run_of(method, task=IMAGES, **settings) -> da.Run:
    usual = {"side": 32, "steps": 30, "eval_every": 10, "lr": 3e-3, "batch": 12}
    return da.Run(method, task, backbone="open_clip:clip", **usual | settings)


def test_class_names_classify_and_stand_in_the_table():
    sentences = "a photo of a {}.", "something {}"
    runs = [run_of(da.methods.ZeroShot()), run_of(da.methods.ZeroShot(sentences))]
    records = [da.train(run, device="cpu", quiet=True) for run in runs]
    assert min(record.curve[-1]["target_accuracy"] for record in records) > 60
    curve = records[0].curve
    assert len({point["target_accuracy"] for point in curve}) == 1
    assert records[0].curve[-1]["loss/task"] != records[1].curve[-1]["loss/task"]
    records += [da.train(run_of(da.methods.SourceOnly()), device="cpu", quiet=True)]
    shown = da.table(records)
    assert "zero_shot" in shown
    assert "source_only" in shown


@pytest.mark.parametrize(
    "method", [da.methods.SourceOnly(), da.methods.CORALMap(), da.methods.DANN()]
)
def test_a_classifier_of_texts_is_tested_on_images(method, capsys):
    record = da.train(run_of(method, TEXTS), device="cpu", quiet=True, save_weights=True)
    assert record.curve[-1]["target_accuracy"] > 45
    told = capsys.readouterr().err
    assert "features of 15 texts" in told
    assert "features of 48 images" in told
    assert "captions: target accuracy" in da.table([record])
    assert da.load_model(record.id).stored_side == 256  # as folders are
    main(["predict", record.id, "dark/red"])
    assert re.match(r"dark/red/\d+.png  (red|green|blue)  [01]\.", capsys.readouterr().out)


def test_a_tower_trains_exports_and_predicts(capsys):
    run = run_of(da.methods.DANN(), regime="full", steps=6)
    record = da.train(run, device="cpu", quiet=True, save_weights=True)
    main(["export", record.id, "--to", "onnx"])
    assert "48 test images" in capsys.readouterr().out
    for model in (record.id, f"{record.id}.onnx"):
        main(["predict", model, "dark/red"])
    assert len(lines := capsys.readouterr().out.splitlines()) == 32
    assert lines[:16] == lines[16:]


def test_the_tower_of_texts_trains_and_exports(capsys):
    write_reviews(per_shop=12)
    run = run_of(da.methods.SourceOnly(), TASK, side=0, regime="full", steps=3)
    record = da.train(run, device="cpu", quiet=True, save_weights=True)
    main(["export", record.id, "--to", "onnx"])
    assert "12 test texts" in capsys.readouterr().out
    for model in (record.id, f"{record.id}.onnx"):
        main(["predict", model, "reviews.csv"])
    assert len(lines := capsys.readouterr().out.splitlines()) == 48
    assert [line[:16] for line in lines[:24]] == [line[:16] for line in lines[24:]]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--backbone", "open_clip:ViT-B/32"], "unknown model 'ViT-B' .* known: ViT-B-32"),
        (
            ["--backbone", "open_clip:ViT-B-32"],
            "names no weights, known: open_clip:ViT-B-32/openai",
        ),
        (["--backbone", "open_clip:ViT-B-32/nine"], "Pretrained value 'nine' is not a known tag"),
        (["--regime", "full"], "a task of texts and images needs regime frozen"),
        (["--backbone", "efficientnet_lite0"], "backbone efficientnet_lite0 reads no texts, known"),
    ],
)
def test_a_mistake_is_one_line(words, error, capsys):
    usual = ["--task", TEXTS, "--backbone", "open_clip:clip", "--side", "32"]
    with pytest.raises(SystemExit) as ended:
        main(["train", *usual, *words, "source_only"])
    assert ended.value.code == 2
    *_, line = capsys.readouterr().err.strip().splitlines()
    assert re.search(error, line), line
