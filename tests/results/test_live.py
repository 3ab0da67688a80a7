import json
import multiprocessing
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from da.results import live
from da.results.live import LiveFile, LiveRun, find_live

ID = "3f2a9c3f2a9c"
ABOUT = {"settings": {"method": "dann", "task": "moons:0-20", "seed": 1}, "steps": 10, "images": 8}
POINTS = [{"step": 2, "loss/task": 0.5}, {"step": 5, "loss/task": 0.25}]


def grown(folder: Path) -> LiveFile:
    file = LiveFile(folder, ID, ABOUT)
    for point in POINTS:
        file.append(point)
    return file


def test_a_live_file_is_what_is_known_so_far_and_goes_with_its_folder(tmp_path):
    file = grown(tmp_path)
    (run,) = find_live(tmp_path)
    assert (run.id, run.settings, run.curve, run.step) == (ID, ABOUT["settings"], POINTS, 5)
    assert run.pid == os.getpid()
    assert run.begun <= run.times[0] <= run.times[1] <= time.time()
    file.remove()
    file.append(POINTS[0])
    assert not [*tmp_path.iterdir()]


def test_a_run_that_goes_on_began_before(tmp_path):
    file = LiveFile(tmp_path, ID, ABOUT, seconds=100)
    (run,) = find_live(tmp_path)
    file.remove()
    assert 100 <= time.time() - run.begun < 110


def test_speed_and_time_left_come_of_the_evaluations_so_far():
    run = LiveRun(ID, ABOUT["settings"], 10, 8, 1, "here", 100.0, POINTS, [104.0, 110.0])
    assert run.images_per_second == 4
    assert run.seconds_left(now=113.0) == 7
    assert run.seconds_left(now=200.0) == 0
    before = replace(run, curve=[], times=[])
    assert (before.images_per_second, before.seconds_left(113.0)) == (0, None)


@pytest.mark.parametrize("rest", [b"", b"{", b'{"steps": 1}\n', b"[]\n", b"\xff\n"])
def test_what_is_no_live_file_is_passed_over(rest, tmp_path):
    path = tmp_path / "live" / f"{ID}.jsonl"
    path.parent.mkdir()
    path.write_bytes(rest)
    (path.parent / "notes.jsonl").write_text("{}\n")
    assert find_live(tmp_path) == []


def test_a_line_that_is_being_written_is_left_for_later(tmp_path):
    file = grown(tmp_path)
    file.path.write_bytes(file.path.read_bytes()[:-5])
    (run,) = find_live(tmp_path)
    assert run.curve == POINTS[:1]
    file.remove()


def test_the_file_of_a_killed_process_is_told_and_goes_when_another_run_begins(tmp_path):
    killed = multiprocessing.get_context("fork").Process(target=grown, args=(tmp_path,))
    killed.start()
    killed.join()
    (run,) = find_live(tmp_path)
    assert not run.is_alive
    assert replace(run, host="elsewhere").is_alive
    other = LiveFile(tmp_path, "a" * 12, ABOUT)
    assert [run.id for run in find_live(tmp_path)] == ["a" * 12]
    other.remove()


def test_a_second_training_of_a_run_keeps_its_file_when_the_first_ends(tmp_path):
    first, second = LiveFile(tmp_path, ID, ABOUT), grown(tmp_path)
    first.append({"step": 9})
    first.remove()
    assert find_live(tmp_path)[0].curve == POINTS
    second.remove()
    assert find_live(tmp_path) == []


def test_where_it_cannot_be_written_the_run_goes_on_without(tmp_path):
    (tmp_path / live.FOLDER).write_text("a file")
    grown(tmp_path).remove()
    assert [file.name for file in tmp_path.iterdir()] == [live.FOLDER]


def test_numbers_that_are_not_finite_are_kept(tmp_path):
    file = LiveFile(tmp_path, ID, ABOUT)
    file.append({"step": 1, "mmd": float("nan")})
    assert json.dumps(find_live(tmp_path)[0].curve) == '[{"step": 1, "mmd": NaN}]'
    file.remove()
