"""The list that `da runs` prints."""

import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from da.cli.run_list import list_runs
from da.results import records
from da.results.health import render_page
from da.results.records import PUBLISHED, Record

POINT = {"step": 9, "target_accuracy": 71.25, "source_accuracy": 90.0, "infomax": -4e-7}
IDS = [digit * 12 for digit in "abc"]


def record(id: str, **settings: object) -> Record:
    about = {"method": "dann", "task": "zoo:a-b", "seed": 0, "lr": 0.1}
    return Record(id, about | settings, [POINT | {"loss/task": 1.0}], 1.0)


def listed(folder: Path, *found: Record, damaged: tuple[str, ...] = ()) -> list[list[str]]:
    """Cells of the lines."""
    return [line.split() for line in list_runs(found, damaged, folder)]


def test_columns_that_say_nothing_are_left_out(tmp_path):
    head, *rows, last = listed(tmp_path, record(IDS[0]), record(IDS[1], seed=1))
    assert " ".join(head) == "id method task seed target % source % infomax"
    assert rows == [
        [IDS[0], "dann", "zoo:a-b", "0", "71.2", "90.0", "0"],
        [IDS[1], "dann", "zoo:a-b", "1", "71.2", "90.0", "0"],
    ]
    assert " ".join(last) == "2 records, none known to be of other code or data"


def test_a_run_with_unknown_images_shows_its_usual_metric(tmp_path):
    open_set = record(IDS[1], task="zoo:a-b+open2")
    open_set.curve[-1] |= {"metric/hos": 44.44, "metric/mean_class": 50.0}
    head, *rows, _ = listed(tmp_path, record(IDS[0]), open_set)
    assert " ".join(head).endswith("target % hos % source % infomax")
    assert [row[4:] for row in rows] == [["71.2", "90.0", "0"], ["71.2", "44.4", "90.0", "0"]]


def test_a_source_accuracy_of_training_images_is_told(tmp_path):
    found = record(IDS[0]), record(IDS[1], hold_out=False)
    told = "source_accuracy is that of training images where hold_out is off"
    assert told in list_runs(found, (), tmp_path)


def test_outputs_have_their_size(tmp_path):
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / f"{IDS[0]}.safetensors").write_bytes(bytes(1_230_000))
    head, *rows, _ = listed(tmp_path, record(IDS[0]), record(IDS[1], seed=1))
    assert head[-1] == "outputs"
    assert [row[-2:] for row in rows] == [["1.2", "MB"], ["90.0", "0"]]


def test_settings_weights_date_and_state(tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / f"{IDS[0]}.pt").touch()
    for id, year in zip(IDS, (datetime.now().year, 2019), strict=False):
        records.save(record(id), tmp_path)
        time = datetime(year, 1, 1).timestamp()
        os.utime(tmp_path / f"{id}.json", (time, time))
    old = Record(IDS[1], record(IDS[1], lr=0.5).settings, [POINT], 1.0, made_from={"code": "0"})
    head, *rows, last = listed(tmp_path, record(IDS[0]), old, damaged=(IDS[2],))
    heads = "id method task seed settings target % source % infomax date weights state"
    assert head == heads.split()
    scores = ["71.2", "90.0", "0"]
    assert rows == [
        [IDS[0], "dann", "zoo:a-b", "0", "lr=0.1", *scores, "Jan", "01", "stored"],
        [IDS[1], "dann", "zoo:a-b", "0", "lr=0.5", *scores, "Jan", "2019", "other", "code"],
        [IDS[2], "damaged"],
    ]
    assert last == ["1", "of", "2", "records", "are", "of", "other", "code", "(method", "dann)"]


def test_published_runs_fit_in_120_columns():
    folder = Path(__file__).parents[2] / PUBLISHED
    wanted = {id: {} for id in records.record_bundles.read(folder / "precision.jsonl")}
    found = [records.get(id, folder) for id in wanted]
    assert max(map(len, list_runs(found, (), folder))) <= 120


def test_the_full_name_of_the_first_weights_is_told(tmp_path):
    named = replace(record(IDS[0]), made_from={"network": "timm resnet50.a1_in1k"})
    filed = replace(record(IDS[1], seed=1), environment={"init_file": "moco.pth"})
    head, first, second, _ = map(" ".join, listed(tmp_path, named, filed))
    assert head.startswith("id method task seed first weights target %")
    assert first.startswith(f"{IDS[0]} dann zoo:a-b 0 timm resnet50.a1_in1k 71.2")
    assert second.startswith(f"{IDS[1]} dann zoo:a-b 1 moco.pth 71.2")
    assert render_page(named).splitlines()[0].endswith(", from timm resnet50.a1_in1k")
