import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
from PIL import Image

import da
from da.cli import main
from da.data import tasks
from da.deploy.estimate import estimate_accuracy, find_other_seed
from da.methods import METHODS
from da.models.network_info import hash_network
from da.models.saved_weights import weights_file
from da.results import records
from da.results.records import Record
from tests.deploy.test_predict import ABOUT, write_model
from tests.fixtures.runs import RUN, pictures, run_of, stand_in, trained


@pytest.fixture(autouse=True)
def _pictures(monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)


@pytest.fixture
def folder() -> Path:
    """Thirty pictures of the target, in two folders."""
    for i, pixels in enumerate(pictures("flower.jpg").x[80:110].numpy()):
        file = Path("photos", str(i % 2), f"{i:02}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
    return Path("photos")


def stored(seed: int) -> str:
    record, _ = trained(replace(RUN, seed=seed))
    records.save(record, Path("results"))
    return record.id


@pytest.mark.slow
def test_all_rules_are_told_where_another_seed_has_weights(folder, capsys):
    one, other = stored(0), stored(1)
    main.main(["estimate", one, str(folder)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{one} on 30 images: expected accuracy in %"
    assert [line.split()[0] for line in lines[3:7]] == ["atc", "doc", "agreement", "source"]
    assert lines[-1] == f"agreement: with another seed, run {other}"
    found = da.estimate_accuracy(one, [folder])
    files = sorted(folder.rglob("*.png"))
    same = [
        a == b
        for a, b in zip(*(da.load_model(i).predict(files) for i in (one, other)), strict=True)
    ]
    assert found.rules["agreement"].accuracy == pytest.approx(100 * sum(same) / 30)
    assert found.source == pytest.approx(
        records.get(one, Path("results")).curve[-1]["source_accuracy"]
    )


@pytest.mark.slow
def test_without_another_seed_there_is_no_agreement_and_bad_images_are_told(folder, capsys):
    one = stored(0)
    other_settings = replace(RUN, seed=2, steps=3)
    records.save(trained(other_settings)[0], Path("results"))
    (folder / "bad.png").write_text("no picture")
    with pytest.raises(SystemExit) as ended:
        main.main(["estimate", one, str(folder)])
    out, err = capsys.readouterr()
    assert ended.value.code == 1
    assert "agreement" not in out
    assert err.startswith(f"da: cannot decode {folder}/bad.png")


def test_weights_of_an_earlier_version_are_refused_in_one_line(folder, capsys):
    one = stored(0)
    old = torch.load(weights_file(one))
    del old["confidence"]
    torch.save(old, weights_file(one))
    with pytest.raises(SystemExit) as ended:
        main.main(["estimate", one, str(folder)])
    assert ended.value.code == 2
    assert "does not know how sure it is of held-out source images" in capsys.readouterr().err


def test_the_digest_of_weights_is_that_of_earlier_versions():
    about = {"classes": ("a",), "settings": {}}
    assert hash_network({}, about) == hash_network({}, about | {"confidence": ((1.0, 1.0),)})


def test_a_target_with_unknown_images_is_refused_in_one_line(folder, capsys):
    run = replace(run_of("osbp"), task="digits:mnist-mnistm+open2")
    records.save(trained(run)[0], Path("results"))
    assert not torch.load(weights_file(run.id))["confidence"]
    with pytest.raises(SystemExit) as ended:
        main.main(["estimate", run.id, str(folder)])
    assert ended.value.code == 2
    assert f"{run.id} rejects images as unknown" in capsys.readouterr().err


def listed(seed: int, **settings) -> Record:
    """The record of a run that seems to have weights."""
    run = replace(RUN, seed=seed, **settings)
    record = Record(run.id, run.settings(), [{"step": 1, "target_accuracy": 50.0}], 1.0)
    records.save(record, Path("results"))
    weights_file(run.id).parent.mkdir(exist_ok=True)
    weights_file(run.id).touch()
    return record


def test_another_seed_may_begin_with_another_seed_of_the_first_run():
    one, other = listed(0), listed(1)
    longer = listed(0, steps=9)
    shot = METHODS["shot"].Hparams()
    begun = listed(0, method=shot, init=one.id)
    listed(1, method=shot, init=longer.id)
    results = Path("results")
    assert find_other_seed(begun, results) is None
    alike = listed(1, method=shot, init=other.id)
    assert find_other_seed(begun, results) == alike
    assert find_other_seed(one, results) == other
    assert find_other_seed(longer, results) is None


def test_an_exported_file_says_what_is_to_be_expected_of_enough_images(folder, capsys):
    rows = [[odds / 10, float(odds > 20)] for odds in range(100)]
    write_model(Path("x.onnx"), ABOUT | {"confidence": json.dumps(rows)})
    main.main(["predict", "x.onnx", str(folder)])
    told = capsys.readouterr().err.splitlines()
    found = estimate_accuracy("x.onnx", [folder])
    assert told == [
        f"da: expected accuracy on these 30: {found.rules['atc']}, by atc, whose mean error on "
        "emoji is 11 points; see `da estimate`"
    ]
    main.main(["predict", "x.onnx", str(folder / "0" / "00.png")])
    assert not capsys.readouterr().err


def test_damaged_confidences_are_one_line(folder, capsys):
    write_model(Path("x.onnx"), ABOUT | {"confidence": "[1]"})
    with pytest.raises(SystemExit) as ended:
        main.main(["estimate", "x.onnx", str(folder)])
    assert ended.value.code == 2
    assert "x.onnx has damaged confidences" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_and_its_exported_file_expect_the_same(folder):
    one = stored(0)
    main.main(["export", one, "--to", "onnx"])
    about = {entry.key: entry.value for entry in onnx.load(f"{one}.onnx").metadata_props}
    assert len(json.loads(about["confidence"])) == 64
    run, file = (da.estimate_accuracy(name, [folder]).rules for name in (one, f"{one}.onnx"))
    for rule in ("atc", "doc"):
        assert run[rule].accuracy == pytest.approx(file[rule].accuracy, abs=0.01)
