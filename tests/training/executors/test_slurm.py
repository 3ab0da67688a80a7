"""Jobs of Slurm leave the records that processes of this machine leave."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from da.methods import METHODS
from da.results import records
from da.training.attempts import Stopped
from da.training.executors import slurm
from da.training.executors.slurm import Attempt, Slurm
from da.training.jobs import Job
from da.training.sweep import sweep_outcomes
from tests.fixtures.deadly_method import DEADLY
from tests.fixtures.points import BEGUN, RUN

pytest.importorskip("submitit", reason="the extra slurm is not installed")

ON_FEATURES = [replace(RUN, regime="frozen", init=BEGUN.id, seed=seed) for seed in range(3)]
"""Runs whose records do not depend on the number of threads."""

COMMANDS = {
    "sbatch": 'cp "$1" script.sh; echo Submitted batch job 7',
    "srun": "",
    "scancel": 'echo "$@" >> canceled',
    "sacct": "echo 'JobID|State|NodeList'",
}


@pytest.fixture
def commands(tmp_path, monkeypatch) -> Path:
    """Commands of Slurm that write down what they are asked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, does in COMMANDS.items():
        (folder / name).write_text(f"#!/bin/sh\n{does}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def groups(folder: Path, count: int) -> list[list[Job]]:
    return [[Job(replace(RUN, seed=seed), folder, "cpu", False)] for seed in range(count)]


ASKED = {
    "partition": "long",
    "account": "lab",
    "gpus": 1,
    "cpus": 4,
    "memory": 7.5,
    "minutes": 90,
    "chunk": 2,
}


class Interrupt(Event):
    """In place of a pause, Ctrl-C."""

    def wait(self, timeout: float | None = None) -> bool:
        raise KeyboardInterrupt


def test_the_script_asks_for_an_array_and_is_canceled_when_interrupted(tmp_path, commands):
    slurm.check()
    asked = Slurm(tmp_path / "results", ASKED, limit=2, stop=Interrupt())
    with pytest.raises(KeyboardInterrupt):
        next(asked.run(groups(tmp_path / "results", 5)))
    script = Path("script.sh").read_text()
    for asked in (
        "partition=long",
        "account=lab",
        "gpus-per-node=1",
        "cpus-per-task=4",
        "mem=7680MB",
        "time=90",
        "array=0-2%2",
        "job-name=da",
        "signal=USR2@90",
    ):
        assert f"#SBATCH --{asked}\n" in script
    assert "-m submitit.core._submit" in script
    assert {*Path("canceled").read_text().split()} == {"7_0", "7_1", "7_2"}


def test_jobs_of_a_thread_are_canceled_where_another_one_stops_it(tmp_path, commands):
    stop = Event()
    stop.set()
    with pytest.raises(Stopped):
        next(Slurm(tmp_path, {}, stop=stop).run(groups(tmp_path, 2)))
    assert {*Path("canceled").read_text().split()} == {"7_0", "7_1"}


def test_groups_that_were_lost_get_a_job_each(tmp_path, commands):
    asked = Slurm(tmp_path / "results", {"chunk": 3}, stop=Interrupt())
    with pytest.raises(KeyboardInterrupt):
        next(asked.run(groups(tmp_path / "results", 3), alone=True))
    assert {*Path("canceled").read_text().split()} == {"7_0", "7_1", "7_2"}


def test_a_time_limit_is_set_where_none_is_given(tmp_path, commands):
    jobs: dict = {}
    Slurm(tmp_path, {})._submit(Attempt(False, 0), [groups(tmp_path, 1)], jobs)
    script = Path("script.sh").read_text()
    assert "#SBATCH --time=60\n" in script
    assert "gpus" not in script
    assert [job.job_id for job in jobs] == ["7"]


def test_what_slurm_refuses_is_one_line(tmp_path, commands):
    (commands / "sbatch").write_text("#!/bin/sh\necho 'error: invalid partition' >&2\nexit 1\n")
    with pytest.raises(ValueError, match=r"^Slurm takes no jobs: .*invalid partition"):
        next(Slurm(tmp_path, {}).run(groups(tmp_path, 1)))


@pytest.mark.slow
def test_a_job_that_is_requeued_goes_on_where_it_was(tmp_path):
    begun = groups(tmp_path, 2)
    do = Attempt(False, 1)
    do(begun[:1])
    file = records.record_path(tmp_path, begun[0][0].run.id)
    before = file.stat().st_mtime_ns
    again = do.checkpoint(begun).result()
    assert [outcome.record is not None for ((_, outcome),) in again] == [True, True]
    assert file.stat().st_mtime_ns == before


@pytest.fixture
def local(monkeypatch) -> None:
    """Jobs are processes of this machine, which submitit starts as on a cluster."""
    monkeypatch.setattr(slurm, "check", lambda: None)
    monkeypatch.setattr(slurm, "Slurm", partial(Slurm, cluster="local", pause=0.2))


@pytest.mark.slow
@pytest.mark.usefixtures("local", "every_score")
def test_jobs_leave_the_records_of_one_process_and_nothing_else(tmp_path):
    runs = [BEGUN, *ON_FEATURES]
    here, away = tmp_path / "here", tmp_path / "away"
    assert all(outcome.record for outcome in sweep_outcomes(runs, here, workers=1))
    found = [*sweep_outcomes(runs, away, on="slurm", resources=["chunk=2", "cpus=1"])]
    assert [outcome.error for outcome in found] == [""] * 4
    for run in runs:
        one, two = (records.find(run.id, folder) for folder in (here, away))
        assert (one.curve, one.made_from) == (two.curve, two.made_from)
    assert not (away / ".slurm").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("local")
def test_a_run_that_always_dies_is_given_up_with_the_place_of_its_log(
    tmp_path, plugins, monkeypatch
):
    from submitit.core.core import Job as ClusterJob

    monkeypatch.setattr(ClusterJob, "_results_timeout_s", 0)
    (plugins / "methods" / "deadly.py").write_text(DEADLY)
    deadly = replace(RUN, method=METHODS["deadly"].Hparams())
    outcomes = {o.run: o for o in sweep_outcomes([deadly, RUN], tmp_path, on="slurm")}
    assert outcomes[RUN].record
    assert outcomes[deadly].error.startswith("its job ")
    assert Path(outcomes[deadly].error.rpartition("see ")[2]).is_file()
