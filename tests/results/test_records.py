import json
from dataclasses import replace
from functools import partial

import pytest

from da.results import records
from da.results.record_schema import DamagedError
from da.results.records import Record
from da.system.cache import UnwritableError

CURVE = [
    {"step": 1, "target_accuracy": 50.0, "entropy": -2.0},
    {"step": 2, "target_accuracy": 70.0, "entropy": -1.0},
    {"step": 3, "target_accuracy": 70.0, "entropy": -1.5},
    {"step": 4, "target_accuracy": 60.0, "entropy": -1.0},
]
ID = "abcabcabcabc"
SETTINGS = {"method": "dann", "task": "moons:0-20", "hp.hidden": [8]}
RECORD = Record(ID, SETTINGS, CURVE, 3.5, 100.0, 7.0, {"os": "x"})


def test_a_record_comes_back_as_it_was(tmp_path):
    records.save(RECORD, tmp_path / "results")
    assert records.read(records.record_path(tmp_path / "results", ID)) == RECORD


def test_the_file_is_plain_json(tmp_path):
    records.save(RECORD, tmp_path)
    stored = json.loads((tmp_path / f"{ID}.json").read_text())
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
    file = tmp_path / f"{ID}.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=f"{file} is no record: "):
        records.read(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=rf"{ID}.json is no record: "):
        records.read(tmp_path / f"{ID}.json")


def test_one_is_found_by_id_or_file(tmp_path):
    records.save(RECORD, tmp_path)
    assert records.find(ID, tmp_path) == RECORD
    assert records.find(str(tmp_path / f"{ID}.json"), tmp_path / "elsewhere") == RECORD


def test_some_of_the_known_are_named_where_one_is_not_found(tmp_path):
    for id in "edcba":
        records.save(Record(12 * id, SETTINGS, CURVE, 1.0), tmp_path)
    known = "aaaaaaaaaaaa, bbbbbbbbbbbb, cccccccccccc and 2 more"
    with pytest.raises(ValueError, match=rf"run 'x' in .*, known: {known}$"):
        records.find("x", tmp_path)
    with pytest.raises(ValueError, match=r"known: none yet$"):
        records.find("x", tmp_path / "none")


def test_load_brings_those_that_are_wanted_and_there(tmp_path):
    records.save(RECORD, tmp_path)
    wanted = {"gone": {}, ID: RECORD.settings | {"hp.hidden": (8,)}}
    assert records.load(tmp_path, wanted) == [RECORD]
    assert records.load(tmp_path, {}) == []


def test_load_fills_in_a_setting_that_is_new_since(tmp_path):
    records.save(RECORD, tmp_path)
    [found] = records.load(tmp_path, {ID: RECORD.settings | {"new": 1}})
    assert found.settings == RECORD.settings | {"new": 1}
    assert found.curve == RECORD.curve


@pytest.mark.parametrize("now", [SETTINGS | {"method": "coral"}, {"method": "dann"}])
def test_load_refuses_a_record_made_under_other_settings(tmp_path, now):
    records.save(RECORD, tmp_path)
    with pytest.raises(ValueError, match=rf"{ID}.json was made with .*; remove it and run"):
        records.load(tmp_path, {ID: now})


@pytest.mark.parametrize("folder", ["file", "/proc"])
@pytest.mark.parametrize("write", [records.make_folder, partial(records.save, RECORD)])
def test_a_folder_that_cannot_hold_records_is_one_of_the_option_results(tmp_path, write, folder):
    (tmp_path / "file").touch()
    with pytest.raises(UnwritableError, match=r"point --results elsewhere$"):
        write(tmp_path / folder)


def test_a_failed_save_leaves_the_record_of_before(tmp_path):
    records.save(RECORD, tmp_path)
    unwritable = Record(ID, {"method": object()}, [], 0.0)
    with pytest.raises(TypeError):
        records.save(unwritable, tmp_path)
    assert records.read(tmp_path / f"{ID}.json") == RECORD
    assert len(list(tmp_path.glob(".*.part"))) == 0


@pytest.mark.parametrize("id", ["../../evil", "abc", "", ID + "\n"])
def test_an_id_leads_to_no_other_folder(tmp_path, id):
    with pytest.raises(ValueError, match="id of a run is 12 digits"):
        records.save(replace(RECORD, id=id), tmp_path / "results")
    assert records.get(id, tmp_path) is None
    assert not records.exists(id, tmp_path)


def test_a_file_is_of_the_run_that_it_is_named_after(tmp_path):
    records.save(RECORD, tmp_path)
    other = records.record_path(tmp_path, "0" * 12).write_bytes
    other(records.record_path(tmp_path, ID).read_bytes())
    with pytest.raises(DamagedError, match=f"0.json is no record: it is of run {ID}"):
        records.get("0" * 12, tmp_path)


def test_a_folder_or_a_lost_link_in_place_of_a_record_is_damage(tmp_path):
    file = records.record_path(tmp_path, ID)
    file.mkdir()
    with pytest.raises(DamagedError, match=f"{file} is no record: .*; remove it"):
        records.get(ID, tmp_path)
    file.rmdir()
    file.symlink_to("nowhere")
    with pytest.raises(DamagedError, match=f"{file} is no record: .*; remove it"):
        records.get(ID, tmp_path)


def test_sound_records_come_with_the_errors_of_others(tmp_path):
    records.save(RECORD, tmp_path)
    (tmp_path / f"{'0' * 12}.json").write_text("[]")
    wanted = {ID: RECORD.settings, "0" * 12: {}, "1" * 12: {}}
    for every in (wanted, None):
        found, damaged = records.load_sound(tmp_path, every)
        assert found == [RECORD]
        assert [*damaged] == ["0" * 12]
    with pytest.raises(DamagedError, match="is not a JSON object; remove it and run it"):
        records.load(tmp_path, wanted)


def test_details_can_be_left_out(tmp_path):
    more = {"loss/task": 1.0, "predicted/cat": 3, "target_accuracy/online": 9.0}
    records.save(replace(RECORD, curve=[CURVE[0] | more]), tmp_path)
    [found] = records.load(tmp_path, {ID: RECORD.settings}, details=False)
    assert found.curve == [CURVE[0] | {"target_accuracy/online": 9.0}]


def test_a_new_record_keeps_one_that_was_made_from_something_else(tmp_path):
    for code in "aabc":
        records.save(replace(RECORD, made_from={"code": code}), tmp_path)
    old = sorted((tmp_path / "old").iterdir())
    assert [file.name for file in old] == [f"{ID}.1.json", f"{ID}.2.json"]
    assert [records.read(file).made_from["code"] for file in old] == ["a", "b"]
    assert records.read(tmp_path / f"{ID}.json").made_from == {"code": "c"}
    assert records.ids(tmp_path) == {ID}


def test_a_new_record_keeps_one_of_a_version_that_has_more_settings(tmp_path):
    records.save(replace(RECORD, settings=RECORD.settings | {"later": 5}), tmp_path)
    records.save(RECORD, tmp_path)
    assert records.read(tmp_path / "old" / f"{ID}.1.json").settings["later"] == 5


def test_a_new_record_keeps_what_was_no_record(tmp_path):
    file = records.record_path(tmp_path, ID)
    file.mkdir(parents=True)
    records.save(RECORD, tmp_path)
    file.write_text("[]")
    records.save(RECORD, tmp_path)
    assert records.read(file) == RECORD
    assert (tmp_path / "old" / f"{ID}.1.json").is_dir()
    assert (tmp_path / "old" / f"{ID}.2.json").read_text() == "[]"
