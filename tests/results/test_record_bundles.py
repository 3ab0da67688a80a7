"""Published records: one file an experiment, read as files of their own are."""

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from da.results import record_bundles, records
from da.results.publish import publish
from da.results.record_schema import DamagedError
from da.results.records import Record
from da.runs import experiment

FOLDER = Path(__file__).parents[2] / "experiments"
A, B, C = (
    Record(
        12 * id,
        {"method": "dann", "task": "moons:0-20", "seed": i},
        [{"step": 1.0, "target_accuracy": 60.0}],
        2.5,
    )
    for i, id in enumerate("abc")
)


def test_records_of_a_bundle_are_read_as_those_of_files(tmp_path):
    file = publish([B, A], "two", tmp_path)
    records.save(C, tmp_path)
    assert file.name == "two.jsonl"
    assert [records.get(12 * id, tmp_path) for id in "abcd"] == [A, B, C, None]
    assert [records.exists(12 * id, tmp_path) for id in "abcd"] == [True, True, True, False]
    assert list(records.load_all(tmp_path)) == [A, B, C]
    assert records.find(B.id, tmp_path) == B
    assert records.load(tmp_path, {r.id: r.settings for r in (A, C)}) == [A, C]


def test_a_bundle_does_not_depend_on_the_order_and_a_changed_record_changes_its_line(tmp_path):
    first = publish([A, B], "x", tmp_path / "one").read_text().splitlines()
    again = publish([replace(B, seconds=9.0), A], "x", tmp_path / "two")
    assert [line[:9] for line in first] == ['{"id":"aa', '{"id":"bb']
    assert again.read_text().splitlines() == [first[0], first[1].replace("2.5", "9.0")]


def test_published_records_have_no_files_of_their_own_and_a_younger_one_comes_first(tmp_path):
    records.save(A, tmp_path)
    publish([A, B], "two", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["two.jsonl"]
    records.save(replace(A, seconds=9.0), tmp_path)
    assert records.find(A.id, tmp_path).seconds == 9.0


def test_a_record_of_two_bundles_is_the_same_in_both(tmp_path):
    publish([A, B], "one", tmp_path)
    publish([replace(B, seconds=9.0), C], "two", tmp_path)
    assert (tmp_path / "one.jsonl").read_text().splitlines()[1] == (
        (tmp_path / "two.jsonl").read_text().splitlines()[0]
    )


def test_a_large_bundle_is_compressed_the_same_way_each_time(tmp_path, monkeypatch):
    small = publish([A], "x", tmp_path)
    monkeypatch.setattr(record_bundles, "LARGE", 0)
    one = publish([A, B], "x", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["x.jsonl.gz"]
    assert one.read_bytes() == publish([B, A], "x", tmp_path / "two").read_bytes()
    assert not small.exists()
    assert records.get(B.id, tmp_path) == B


@pytest.mark.parametrize("content", [b"{}", b"\xff", b'{"id'])
def test_a_damaged_bundle_is_named(tmp_path, content):
    file = tmp_path / "x.jsonl"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f"{file} is no bundle of records"):
        records.get(A.id, tmp_path)
    file.unlink()
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(content)[:-9])
    with pytest.raises(ValueError, match="is no bundle of records"):
        records.ids(tmp_path)


@pytest.mark.slow
def test_every_published_record_is_of_the_experiment_whose_name_its_bundle_bears():
    published = FOLDER.parent / records.PUBLISHED
    files = [file for ending in record_bundles.ENDINGS for file in published.glob(f"*{ending}")]
    assert len(files) == 17
    for file in files:
        name = file.name.partition(".")[0]
        wanted = {
            run.id: run.settings() for run in experiment.load_experiment(FOLDER / f"{name}.py")
        }
        assert record_bundles.read(file).keys() == wanted.keys()
        assert len(records.load(published, wanted)) == len(wanted)


@pytest.mark.parametrize("id", ["../../evil", "abc"])
def test_a_bundle_with_a_wrong_id_is_named(tmp_path, id):
    (tmp_path / "x.jsonl").write_text(f'{{"id":"{id}"}}\n')
    with pytest.raises(ValueError, match=r"x.jsonl is no bundle of records: .* is no id"):
        records.get(A.id, tmp_path)


def test_a_damaged_line_of_a_bundle_is_damage_of_its_run_alone(tmp_path):
    file = publish([A, B], "two", tmp_path)
    file.write_text(file.read_text().replace("60.0", "null", 1))
    assert records.get(B.id, tmp_path) == B
    with pytest.raises(DamagedError, match=f"run {A.id} in a bundle of .* is no record"):
        records.get(A.id, tmp_path)
