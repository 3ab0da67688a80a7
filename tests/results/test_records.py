import json
from functools import partial

import pytest

from da.results import records
from da.results.records import Record
from da.system.cache import UnwritableError

CURVE = [
    {"step": 1, "target_accuracy": 50.0, "entropy": -2.0},
    {"step": 2, "target_accuracy": 70.0, "entropy": -1.0},
    {"step": 3, "target_accuracy": 70.0, "entropy": -1.5},
    {"step": 4, "target_accuracy": 60.0, "entropy": -1.0},
]
RECORD = Record("abc", {"method": "dann", "hp.hidden": [8]}, CURVE, 3.5, 100.0, 7.0, {"os": "x"})


def test_a_record_comes_back_as_it_was(tmp_path):
    records.save(RECORD, tmp_path / "results")
    assert records.read(records.record_path(tmp_path / "results", "abc")) == RECORD


def test_the_file_is_plain_json(tmp_path):
    records.save(RECORD, tmp_path)
    stored = json.loads((tmp_path / "abc.json").read_text())
    assert list(stored)[:4] == ["id", "settings", "curve", "seconds"]
    assert stored["curve"][0] == CURVE[0]


@pytest.mark.parametrize(("chosen_by", "step"), [("last", 4), ("oracle", 3), ("entropy", 4)])
def test_the_latest_of_equals_is_chosen(chosen_by, step):
    assert RECORD.point(chosen_by)["step"] == step


def test_a_score_is_better_where_it_is_higher():
    assert RECORD.point("step")["step"] == 4
    curve = [{"step": s, "entropy": e} for s, e in enumerate([-3.0, -1.0, -2.0])]
    assert Record("a", {}, curve, 0.0).point("entropy")["step"] == 1


@pytest.mark.parametrize("content", ["", '{"id": "abc", "cur', "[]", '{"id": "abc"}', '{"x": 1}'])
def test_a_damaged_file_is_named(tmp_path, content):
    file = tmp_path / "abc.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=f"{file} is no record: "):
        records.read(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"abc.json is no record: "):
        records.read(tmp_path / "abc.json")


def test_one_is_found_by_id_or_file(tmp_path):
    records.save(RECORD, tmp_path)
    assert records.find("abc", tmp_path) == RECORD
    assert records.find(str(tmp_path / "abc.json"), tmp_path / "elsewhere") == RECORD


def test_some_of_the_known_are_named_where_one_is_not_found(tmp_path):
    for id in "edcba":
        records.save(Record(id, {}, CURVE, 1.0), tmp_path)
    with pytest.raises(ValueError, match=r"run 'x' in .*, known: a, b, c and 2 more$"):
        records.find("x", tmp_path)
    with pytest.raises(ValueError, match=r"known: none yet$"):
        records.find("x", tmp_path / "none")


def test_load_brings_those_that_are_wanted_and_there(tmp_path):
    records.save(RECORD, tmp_path)
    wanted = {"gone": {}, "abc": RECORD.settings | {"hp.hidden": (8,)}}
    assert records.load(tmp_path, wanted) == [RECORD]
    assert records.load(tmp_path, {}) == []


def test_load_fills_in_a_setting_that_is_new_since(tmp_path):
    records.save(RECORD, tmp_path)
    [found] = records.load(tmp_path, {"abc": RECORD.settings | {"new": 1}})
    assert found.settings == RECORD.settings | {"new": 1}
    assert found.curve == RECORD.curve


@pytest.mark.parametrize("now", [{"method": "coral", "hp.hidden": [8]}, {"method": "dann"}])
def test_load_refuses_a_record_made_under_other_settings(tmp_path, now):
    records.save(RECORD, tmp_path)
    with pytest.raises(ValueError, match=r"abc.json was made with .*; remove it and run it anew"):
        records.load(tmp_path, {"abc": now})


@pytest.mark.parametrize("folder", ["file", "/proc"])
@pytest.mark.parametrize("write", [records.make_folder, partial(records.save, RECORD)])
def test_a_folder_that_cannot_hold_records_is_one_of_the_option_results(tmp_path, write, folder):
    (tmp_path / "file").touch()
    with pytest.raises(UnwritableError, match=r"point --results elsewhere$"):
        write(tmp_path / folder)


def test_a_failed_save_leaves_the_record_of_before(tmp_path):
    records.save(RECORD, tmp_path)
    unwritable = Record("abc", {"method": object()}, [], 0.0)
    with pytest.raises(TypeError):
        records.save(unwritable, tmp_path)
    assert records.read(tmp_path / "abc.json") == RECORD
    assert len(list(tmp_path.glob(".*.part"))) == 0
