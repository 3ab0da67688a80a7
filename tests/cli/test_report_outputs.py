from dataclasses import replace

import numpy as np
import pytest
import torch

from da.cli import report_outputs
from da.cli.report_outputs import describe_outputs
from da.evaluation.kept_outputs import Target, pack, save
from da.evaluation.predictions import Predictions
from da.results.aggregate import group_records, list_tasks
from da.results.output_files import outputs_file
from da.results.records import Record
from da.runs.experiment import load_experiment
from da.system.cache import NotMadeError
from tests.report.experiments import EXPERIMENT, make_records

TARGET = Target(torch.tensor([0, 1, 0]), ("a", "b"))


def keep(record: Record, place: int, results) -> Record:
    """Keep outputs of a run whose predictions differ between rows."""
    logits = torch.eye(2)[[place % 3 == 0, 0, 1]]
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(place))
    seen = Predictions(logits.clone(), TARGET.y, logits, x, x + 1)
    digest = save(record.id, {30: pack(seen)}, TARGET.y.clone(), TARGET, results)
    return Record(**{**vars(record), "outputs": digest})


@pytest.fixture
def rows(tmp_path):
    file = tmp_path / "shifts.py"
    file.write_text(EXPERIMENT)
    found = make_records(load_experiment(file))
    return group_records([keep(r, i, tmp_path) if i < 6 else r for i, r in enumerate(found)])


def test_runs_with_outputs_have_maps_and_images(rows, tmp_path, monkeypatch):
    asked = []

    def load_task(name):
        asked.append(name)
        raise NotMadeError

    monkeypatch.setattr("da.data.tasks.load_task", load_task)
    found = describe_outputs(rows, list_tasks(rows), tmp_path)
    places = [(one["task"], one["row"], one["seed"]) for one in found["features"]["maps"]]
    assert places == [(task, row, 0) for task in (0, 1) for row in (0, 1, 2)]
    assert len(found["features"]["maps"][0]["target"]["x0"]) == 3
    assert asked == ["moons:0-20", "moons:0-30"]
    assert "needs the images" in found["images"]


def test_damaged_outputs_of_a_run_leave_out_that_run_alone(rows, tmp_path, monkeypatch, capsys):
    picture = np.zeros((3, 8, 8, 3), np.uint8)
    monkeypatch.setattr(report_outputs, "_take_images", lambda task, places: picture[places])
    damaged = [*rows.values()][1]["moons:0-20"][0].id
    file = outputs_file(damaged, tmp_path)
    file.write_bytes(file.read_bytes()[:-1])
    found = describe_outputs(rows, list_tasks(rows), tmp_path)
    assert len(found["features"]["maps"]) == 5
    assert [run["row"] for run in found["images"]["runs"]] == [2]
    for section in found.values():
        assert section["said"].endswith(f" Left out, as their outputs are damaged: {damaged}.")
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"da: left out of maps and images: {file} ")
    for other in file.parent.glob("*"):
        other.write_bytes(b"")
    found = describe_outputs(rows, list_tasks(rows), tmp_path)
    assert "None of these runs are here. Left out" in found["features"]
    assert capsys.readouterr().err.endswith(", and 5 more files\n")


def test_outputs_of_an_earlier_record_of_the_run_are_not_shown(rows, tmp_path):
    for runs in rows.values():
        for by_seed in runs.values():
            by_seed |= {seed: replace(record, outputs="") for seed, record in by_seed.items()}
    assert "outputs" in describe_outputs(rows, list_tasks(rows), tmp_path)["features"]


def test_images_are_those_of_the_places(rows, tmp_path, monkeypatch):
    picture = np.zeros((3, 8, 8, 3), np.uint8)
    monkeypatch.setattr(report_outputs, "_take_images", lambda task, places: picture[places])
    found = describe_outputs(rows, list_tasks(rows), tmp_path)["images"]
    assert (found["task"], found["places"], found["before"]) == (0, [0], [1])
    assert found["runs"] == [{"row": 1, "after": [0]}, {"row": 2, "after": [0]}]


def test_no_more_outputs_are_read_than_the_page_shows(rows, tmp_path, monkeypatch):
    """Those of two maps, and of the first task whose images are here."""
    picture = np.zeros((3, 8, 8, 3), np.uint8)
    monkeypatch.setattr(
        report_outputs, "_take_images", lambda task, at: picture[at] if "30" in task else None
    )
    monkeypatch.setattr("da.report.feature_data.MOST_MAPS", 2)
    read, load = [], report_outputs._load
    monkeypatch.setattr(report_outputs, "_load", lambda *a: read.append((a[3], a[2])) or load(*a))
    found = describe_outputs(rows, list_tasks(rows), tmp_path)
    assert read == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    assert [(one["task"], one["row"]) for one in found["features"]["maps"]] == read[:2]
    assert found["features"]["said"].endswith("Shown are 2 of 6 runs with outputs.")
    assert found["images"]["task"] == 1


def test_points_are_no_pictures():
    assert report_outputs._take_images("moons:0-20", [0, 1]) is None


def test_without_a_folder_of_outputs_lines_say_what_is_needed(rows, tmp_path):
    assert "outputs" in describe_outputs(rows, list_tasks(rows), tmp_path / "none")["images"]
