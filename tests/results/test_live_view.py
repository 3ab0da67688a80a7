"""What a user reads of runs in hand, as rows, notes and lines."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from da.results import records
from da.results.live import LiveFile, LiveRun
from da.results.live_screen import draw
from da.results.live_state import State, find_state
from da.results.live_view import list_events, render_state
from da.results.records import Record
from da.system.locks import lock

ID = "3f2a9c3f2a9c"
SETTINGS = {"method": "dann", "task": "moons:0-20", "seed": 1}
POINT = {"step": 50, "source_accuracy": 99.0, "infomax": 0.5, "target_accuracy": 75.25}
POINT |= {"loss/task": 0.125, "loss/domain": 0.7}
CONSTANT = POINT | {"step": 100, "diagnosis/discriminator_spread": 0.0}
RUN = LiveRun(ID, SETTINGS, 200, 64, 7, "host", 1000.0, [POINT], [1010.0])
NOTHING = State([], [], 0, [], 0)
LABEL = f"dann moons:0-20 seed 1 {ID}"
NUMBERS = "source 99.0 %, infomax 0.500, losses task 0.125 domain 0.7"


def test_a_run_is_a_row_with_all_that_is_known():
    told = render_state(replace(NOTHING, running=[RUN], done=3), ["infomax"], 1012.0)
    counts, head, row = told.splitlines()
    assert counts == "1 in hand, 3 with a record"
    assert row.startswith(LABEL)
    cells = "50/200 99.0 0.500 75.2 320 0:00:28 task 0.125 domain 0.7"
    assert " ".join(row[len(LABEL) :].split()) == cells
    assert " ".join(head.split()) == "run step source % infomax target % images/s left losses"


def test_before_the_first_evaluation_numbers_are_blank():
    begun = replace(RUN, curve=[], times=[])
    row = render_state(replace(NOTHING, running=[begun]), ["infomax"], 1012.0).splitlines()[-1]
    assert row.split() == [*LABEL.split(), "0/200"]


def test_notes_are_warnings_silence_kills_and_ends():
    running = [replace(RUN, curve=[POINT, CONSTANT], times=[1010.0, 1020.0])]
    state = replace(NOTHING, running=running, killed=[replace(RUN, id="a" * 12)], waiting=4)
    told = render_state(state, [], 1200.0)
    assert f"{LABEL}: warning: discriminator constant" in told
    assert f"{LABEL}: no evaluation for 0:03:00, by process 7 of host" in told
    assert f"{'a' * 12}: killed after step 50: process 7 of host is gone" in told
    assert "4 more: in preparation" in told
    assert "no evaluation" not in render_state(state, [], 1060.0)


@pytest.mark.usefixtures("utc")
def test_events_are_lines_in_the_order_of_their_time():
    later = replace(RUN, curve=[POINT, CONSTANT], times=[1010.0, 1020.0])
    ended = replace(NOTHING, ended=[(1030.0, Record(ID, SETTINGS, [POINT], 1.0))])
    lines = list_events(NOTHING, replace(NOTHING, running=[later]), ["infomax"])
    at = [f"00:{time} {LABEL}" for time in ("16:40", "16:50", "17:00", "17:00", "17:10")]
    assert lines[:3] == [
        f"{at[0]}: begun, 200 steps",
        f"{at[1]}: step 50/200, target 75.2 %, {NUMBERS}",
        f"{at[2]}: step 100/200, target 75.2 %, {NUMBERS}",
    ]
    assert lines[3].startswith(f"{at[3]}: warning: discriminator constant")
    before = replace(NOTHING, running=[RUN])
    assert list_events(before, before, []) == []
    assert len(list_events(before, replace(NOTHING, running=[later]), [])) == 2
    (end,) = list_events(before, ended, ["infomax"])
    assert end == f"{at[4]} ended: target 75.2 %, {NUMBERS}"
    assert list_events(ended, ended, []) == []
    (gone,) = list_events(before, NOTHING, [])
    assert "no longer in hand" in gone


@pytest.fixture
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_the_state_of_a_folder_tells_runs_in_hand_in_line_and_ended(tmp_path: Path):
    file = LiveFile(tmp_path, ID, {"settings": SETTINGS, "steps": 9, "images": 8})
    for id, age in (("a" * 12, 10), ("b" * 12, 9999)):
        records.save(Record(id, SETTINGS, [POINT], 1.0), tmp_path)
        then = time.time() - age
        os.utime(tmp_path / f"{id}.json", (then, then))
    with lock(tmp_path / ".locks" / ("c" * 12)), lock(tmp_path / ".locks" / ID):
        (tmp_path / ".locks" / ("d" * 12)).touch()  # left by a killed process
        state = find_state(tmp_path)
        assert [run.id for run in state.running] == [ID]
        assert [record.id for _, record in state.ended] == ["a" * 12]
        assert (state.waiting, state.done, state.killed) == (1, 2, [])
        state = find_state(tmp_path, {"b" * 12})
        assert state == replace(NOTHING, done=1)
    file.remove()
    assert find_state(tmp_path / "nowhere") == NOTHING


def test_the_screen_of_a_narrow_terminal_leaves_losses_out():
    console = pytest.importorskip("rich.console").Console(width=80)
    state = replace(NOTHING, running=[RUN])
    with console.capture() as got:
        console.print(draw(state, ["infomax"], 1012.0, narrow=True))
    told = got.get()
    assert "losses" not in told
    assert "0:00:28" in told
    assert all(len(line) <= 80 for line in told.splitlines())
