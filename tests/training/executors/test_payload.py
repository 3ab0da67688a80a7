"""A run on a machine without our disk gives the files that it gives here."""

import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from da.config.registry import SELECTORS
from da.methods import base
from da.models import saved_weights
from da.results import records
from da.results.output_files import outputs_file
from da.runs.method_code import code_digest, loaded_code_digest
from da.system.cache import UnwritableError, cache_home
from da.system.content_files import find_file
from da.training.attempts import attempt
from da.training.executors.payload import (
    Answer,
    Surroundings,
    carry_out,
    find_beginnings,
    pack_group,
    read_beginning,
)
from da.training.jobs import Job
from da.training.train import train
from tests.fixtures import points
from tests.fixtures.deadly_method import DEADLY

RUN = replace(points.RUN, steps=4, eval_every=2)


@pytest.fixture
def node(monkeypatch, tmp_path):
    """Another machine: a home and a working folder of its own, and no plug-ins."""

    there = tmp_path / "there"
    there.mkdir()
    for name in ("DA_PLUGINS", "DA_METHODS"):  # which are set there, and unset after the test
        monkeypatch.setenv(name, "")

    def carry_out_there(jobs: list[Job]) -> list[Answer]:
        around = Surroundings.here()
        variables = {**around.variables, "DA_HOME": str(there)}
        around = replace(around, folder=str(tmp_path / "not there"), variables=variables)
        files = find_beginnings(jobs).items()
        sent = [read_beginning(name, file, jobs[0].folder) for name, file in files]
        monkeypatch.chdir(there)
        return carry_out(pack_group(jobs), 1, around, sent)

    return carry_out_there


def curve(folder: Path) -> list:
    return records.find(RUN.id, folder).curve


@pytest.mark.slow
def test_all_files_of_a_run_come_back(tmp_path, node):
    here, away = (Job(RUN, tmp_path / name, "cpu", True, outputs="all") for name in ("a", "b"))
    attempt([here])
    (answer,) = node([away])
    assert not away.folder.exists()
    outcome = answer.save(away)
    assert outcome.record == records.find(RUN.id, away.folder)
    assert curve(here.folder) == curve(away.folder)
    assert answer.peak.gpus == 0
    assert 0.1 < answer.peak.memory < 16
    assert saved_weights.load_classes(RUN.id, away.folder)
    assert (
        outputs_file(RUN.id, away.folder).read_bytes()
        == outputs_file(RUN.id, here.folder).read_bytes()
    )
    assert not [*(tmp_path / "there").rglob(f"*{RUN.id}*")]


@pytest.mark.slow
def test_a_run_begins_with_weights_that_are_sent_and_with_those_that_these_began_with(
    tmp_path, node
):
    first = replace(RUN, seed=1)
    frozen = replace(RUN, regime="frozen", init=first.id)
    last = replace(frozen, init=frozen.id)
    for run in (first, frozen):
        train(run, device="cpu", save_weights=True, quiet=True, results=tmp_path / "a")
    job = Job(last, tmp_path / "a", "cpu", False)
    assert [*find_beginnings([job])] == [frozen.id, first.id]
    (answer,) = node([job])
    answer.save(job)
    sent = records.find(last.id, tmp_path / "a")
    here = train(last, device="cpu", quiet=True, results=tmp_path / "a")
    assert (sent.curve, sent.made_from) == (here.curve, here.made_from)
    assert "init" in sent.made_from


def test_a_file_of_weights_is_sent_by_its_content(tmp_path, monkeypatch):
    torch.save({"x": torch.ones(1)}, tmp_path / "own.pt")
    job = Job(replace(RUN, init=str(tmp_path / "own.pt")), tmp_path / "results", "cpu", False)
    ((name, file),) = find_beginnings([job]).items()
    sent = read_beginning(name, file, job.folder)
    (tmp_path / "own.pt").unlink()
    monkeypatch.setenv("DA_HOME", str(tmp_path / "there"))
    sent.store(tmp_path / "results")
    assert find_file(name).read_bytes() == sent.weights


def test_plug_ins_travel_by_value(tmp_path, plugins, monkeypatch):
    (plugins / "selectors" / "mine.py").write_text(
        '"""One."""\n\n\ndef score(p):\n    return 1.0\n'
    )
    (plugins / "selectors" / "mine.txt").write_text("beside it")
    (plugins / "results").mkdir()
    (plugins / "results" / "large.bin").write_text("not sent")
    around = Surroundings.here()
    monkeypatch.setenv("DA_PLUGINS", "")
    assert "mine" not in SELECTORS
    around.set_up()
    folder = Path(os.environ["DA_PLUGINS"])
    assert folder.is_relative_to(cache_home())
    assert "mine" in SELECTORS
    assert SELECTORS["mine"](None) == 1.0
    assert (folder / "selectors" / "mine.txt").read_text() == "beside it"
    assert not (folder / "results").exists()


def test_a_method_that_travels_is_code_that_did_not_change(tmp_path, plugins, monkeypatch):
    (plugins / "methods" / "deadly.py").write_text(DEADLY)
    around, here = Surroundings.here(), code_digest("deadly")
    monkeypatch.setenv("DA_PLUGINS", "")
    monkeypatch.setattr(base, "LOADED", base.LOADED)
    around.set_up()
    assert loaded_code_digest("deadly") == here is not None


def test_no_secret_is_sent(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "0123abcd")
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    sent = Surroundings.here()
    assert "0123abcd" not in repr(sent)
    assert sent.variables["WANDB_PROJECT"] == "mine"
    assert sent.variables["DA_HOME"] == str(cache_home())


def test_a_machine_with_other_code_is_named(monkeypatch):
    around = replace(Surroundings.here(), code="of yesterday")
    with pytest.raises(ValueError, match="has another da-lab than this machine"):
        around.set_up()


def test_no_checkpoint_is_written_where_none_would_be_read(tmp_path):
    (packed,) = pickle.loads(pack_group([Job(RUN, tmp_path, "cpu", False, checkpoint_minutes=10)]))
    assert packed == Job(RUN, tmp_path, "cpu", False, checkpoint_minutes=0)


def test_a_full_disk_there_is_no_failure_of_the_run(tmp_path, node, monkeypatch):
    def fail(*_, **__):
        raise UnwritableError("cannot write weights: no space left on device")

    monkeypatch.setattr(saved_weights, "save_weights", fail)
    with pytest.raises(UnwritableError, match=r"^cannot write weights: no space left"):
        node([Job(RUN, tmp_path / "a", "cpu", True)])


def test_a_full_disk_here_fails_the_run_alone(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise UnwritableError("cannot write: no space left on device")

    record = records.Record(RUN.id, RUN.settings(), [{"step": 1.0}], 1.0)
    monkeypatch.setattr(records, "save", fail)
    outcome = Answer(RUN.id, record, "").save(Job(RUN, tmp_path, "cpu", False))
    assert outcome.error == "UnwritableError: cannot write: no space left on device"
    assert outcome.record is None


def test_an_error_there_is_that_of_the_run(tmp_path, node):
    job = Job(replace(RUN, task="moons:0-x"), tmp_path, "cpu", False)
    (answer,) = node([job])
    assert "unknown rotation 'x'" in answer.save(job).error
