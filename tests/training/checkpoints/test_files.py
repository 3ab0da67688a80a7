"""Files of checkpoints are whole and the last two, and others are named and not used."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from da.training.checkpoints import files
from da.training.checkpoints.files import About, discard, read_newest, write
from da.training.checkpoints.objects import State

ID = "0123456789ab"
FOLDER = Path("results/checkpoints") / ID
CODE = {"code": "abc", "threads": 1}


def store(step: int, **changes) -> None:
    """Write a checkpoint that holds the number of its step."""
    about = About(CODE, step, 2.0, 1.0, {"torch": "2"}, {ID: [{"step": step}]})
    state = State({"a": ["plain", step]}, {}, {"0": torch.full((2,), step)})
    write(FOLDER, replace(about, **changes), state)


def newest(**changes) -> int | None:
    """The step of the checkpoint that is used."""
    found = read_newest(FOLDER, CODE | changes, [ID])
    return found and found[0].step


def steps() -> list[str]:
    return sorted(path.name for path in FOLDER.iterdir())


def test_the_last_two_are_kept_and_the_last_is_read():
    for step in (5, 9, 10):
        store(step)
    assert steps() == ["10", "9"]
    about, state = read_newest(FOLDER, CODE, [ID])
    assert (about.step, about.seconds, about.curves) == (10, 2.0, {ID: [{"step": 10}]})
    assert state.nodes == {"a": ["plain", 10]}
    assert state.tensors["0"].tolist() == [10, 10]
    assert steps() == ["10"]


@pytest.mark.parametrize("name", [files.TENSORS, files.REST, files.DIGEST])
@pytest.mark.parametrize("how", ["cut", "flip", "gone"])
def test_a_damaged_one_is_named_and_the_one_before_is_used(name, how, capsys):
    store(3)
    store(4)
    file = FOLDER / "4" / name
    content = bytearray(file.read_bytes())
    content[-2] ^= 1
    file.unlink() if how == "gone" else file.write_bytes(content if how == "flip" else b"")
    assert newest() == 3
    assert capsys.readouterr().err == f"da: the checkpoint {FOLDER}/4 is damaged: not used\n"
    assert steps() == ["3"]


def test_without_a_whole_one_there_is_none(capsys):
    assert newest() is None
    store(3)
    (FOLDER / "3" / files.TENSORS).write_bytes(b"")
    assert newest() is None
    assert capsys.readouterr().err.count("\n") == 1
    assert steps() == []


def test_one_from_other_code_or_of_another_group_is_named_and_not_used(capsys):
    store(3)
    assert newest(code="xyz", threads=2) is None
    store(3, curves={"b" * 12: []})
    assert newest() is None
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"da: the checkpoint {FOLDER}/3 is of another code and threads: not used",
        f"da: the checkpoint {FOLDER}/3 is of another group of runs: not used",
    ]


def test_a_file_with_another_form_is_damaged(capsys):
    store(3)
    path = FOLDER / "3"
    (path / files.REST).write_text(json.dumps({"about": {"surprise": 1}, "nodes": {}, "more": {}}))
    (path / files.DIGEST).write_text(files._digest(path))
    assert newest() is None
    assert "is damaged" in capsys.readouterr().err


def test_nothing_stays_of_a_run_that_has_ended():
    store(3)
    discard(ID, Path("results"))
    assert not Path("results/checkpoints").exists()
    discard(ID, Path("results"))


def test_checkpoints_of_other_runs_stay():
    store(3)
    discard("b" * 12, Path("results"))
    assert newest() == 3
    with pytest.raises(ValueError, match="12 digits"):
        discard("../..", Path("results"))


def test_a_full_disk_leaves_those_that_are_there(monkeypatch):
    store(3)

    def fail(*_):
        raise files.SafetensorError("No space left on device")

    monkeypatch.setattr(files, "save_file", fail)
    with pytest.raises(OSError, match="No space left"):
        store(4)
    assert steps() == ["3"]
