"""Records of other code, data or beginnings than now are told from those that are current."""

from dataclasses import replace
from pathlib import Path

import pytest

from da.results import records
from da.results.records import Record
from da.runs import provenance
from da.runs.provenance import CURRENT, OTHER_BEGINNING, OTHER_CODE, OTHER_DATA
from da.runs.run import Run
from tests.fixtures.points import RUN

CURVE = [{"step": 1, "target_accuracy": 50.0}]
NOW = {"code": "c", "source": "s", "target": "t"}


@pytest.fixture(autouse=True)
def now(monkeypatch) -> list[str]:
    """Digests as they are now, and the methods whose code was looked at."""
    asked: list[str] = []

    def code(method: str) -> str:
        asked.append(method)
        return "c"

    monkeypatch.setattr(provenance, "code_digest", code)
    monkeypatch.setattr(provenance, "loaded_code_digest", lambda _: "c")
    monkeypatch.setattr(provenance, "_data_digests", lambda *_: {"source": "s", "target": "t"})
    return asked


def record(run: Run, **made_from: str) -> Record:
    return Record(run.id, run.settings(), CURVE, 1.0, made_from=made_from)


def begun(run: Run, folder: Path) -> Record:
    return record(run, **provenance.describe_origin(run, folder))


@pytest.mark.parametrize(
    ("made_from", "state"),
    [
        ({}, CURRENT),
        (NOW, CURRENT),
        (NOW | {"threads": "2"}, CURRENT),
        ({"code": "x"}, OTHER_CODE),
        (NOW | {"code": "x", "source": "x"}, OTHER_CODE),
        (NOW | {"source": "x"}, OTHER_DATA),
        (NOW | {"target": "x"}, OTHER_DATA),
        ({"code": "c", "source": "s"}, CURRENT),
    ],
)
def test_what_both_sides_have_is_compared(tmp_path, made_from, state):
    assert provenance.find_states([record(RUN, **made_from)], tmp_path) == {RUN.id: state}


def test_code_that_is_in_no_file_and_data_that_is_not_here_are_not_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "code_digest", lambda _: None)
    monkeypatch.setattr(provenance, "_data_digests", lambda *_: None)
    found = [record(RUN, code="x", source="x")]
    assert provenance.find_states(found, tmp_path) == {RUN.id: CURRENT}


def test_a_run_is_not_current_where_what_it_began_with_is_not(tmp_path):
    """That it is so carries on, and a new record of the beginning is noticed too."""
    child = replace(RUN, init=RUN.id)
    grandchild = replace(RUN, init=child.id)
    records.save(record(RUN, code="x"), tmp_path)
    old = [record(RUN, code="x")]
    for run in (child, grandchild):
        records.save(begun(run, tmp_path), tmp_path)
        old.append(records.find(run.id, tmp_path))
    assert "init" in old[1].made_from
    states = provenance.find_states(reversed(old), tmp_path)
    assert states[RUN.id] == OTHER_CODE
    assert {states[child.id], states[grandchild.id]} == {OTHER_BEGINNING}

    assert provenance.is_current(child.id, child.settings(), tmp_path)
    records.save(record(RUN, code="c"), tmp_path)
    assert not provenance.is_current(child.id, child.settings(), tmp_path)


def test_a_beginning_without_digests_is_not_compared(tmp_path):
    child = replace(RUN, init=RUN.id)
    assert provenance.describe_origin(child, tmp_path).keys() == {"code"}
    records.save(record(RUN), tmp_path)
    assert provenance.describe_origin(child, tmp_path).keys() == {"code"}


def test_code_is_looked_at_once_a_method(tmp_path, now):
    found = [record(replace(RUN, seed=seed), code="c") for seed in range(9)]
    provenance.find_states(found, tmp_path)
    assert now == ["dann"]


def test_old_records_are_described_with_methods_and_tasks():
    runs = [RUN, replace(RUN, seed=1), replace(RUN, task="moons:0-30"), replace(RUN, seed=3)]
    found = [record(run) for run in runs]
    each = OTHER_CODE, OTHER_CODE, OTHER_DATA, CURRENT
    states = {r.id: state for r, state in zip(found, each, strict=True)}
    assert provenance.describe_old(states, found) == (
        "2 of 4 records are of other code (method dann), 1 of other data (moons:0-30)"
    )
    assert provenance.describe_old(dict.fromkeys(states, CURRENT), found) == ""


def test_settings_of_another_id_are_refused():
    assert provenance.recorded_run(record(RUN)) == RUN
    wrong = replace(record(RUN), settings=RUN.settings() | {"lr": 0.5})
    with pytest.raises(ValueError, match=f"the settings in record {RUN.id} are those of run"):
        provenance.recorded_run(wrong)


def test_settings_that_are_unknown_here_are_refused_with_the_record():
    wrong = replace(record(RUN), settings=RUN.settings() | {"method": "nothing"})
    with pytest.raises(ValueError, match=f"record {RUN.id}: unknown method 'nothing', known: "):
        provenance.recorded_run(wrong)
