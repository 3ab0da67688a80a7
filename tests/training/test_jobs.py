"""What is left to do is grouped so that no training is done twice, and no worker waits."""

from dataclasses import replace

import pytest

from da.methods import METHODS
from da.runs.run import Run
from da.training.jobs import Job, divide, group_jobs

RUN = Run(METHODS["dann"].Hparams(), "moons:0-20", "mlp", "random", "full", steps=6)


@pytest.mark.parametrize(
    ("runs", "workers", "sizes"),
    [(4, 2, [4]), (12, 2, [6, 6]), (25, 2, [7, 7, 7, 4]), (25, 1, [9, 9, 7])],
)
def test_groups_of_a_kind_keep_all_workers_busy(tmp_path, runs, workers, sizes):
    jobs = [[Job(replace(RUN, seed=seed), tmp_path, "cpu", False)] for seed in range(runs)]
    assert [len(group) for group in divide(jobs, workers)] == sizes


def test_runs_of_one_training_are_one_group(tmp_path):
    blind = replace(RUN, method=METHODS["source_only"].Hparams())
    runs = [
        replace(blind, task=f"moons:{source}-40", seed=seed)
        for seed in (0, 1)
        for source in (0, 20)
    ]
    twins = [replace(run, task=run.task.replace("40", "60")) for run in runs]
    jobs = [Job(run, tmp_path, "cpu", False) for run in (*runs, *twins)]
    pairs = [set(pair) for pair in zip(runs, twins, strict=True)]
    assert [{job.run for job in group} for group in group_jobs(jobs, 2)] == pairs


def test_runs_share_their_steps_only_when_asked(tmp_path):
    frozen = [replace(RUN, regime="frozen", init="pretrained", seed=seed) for seed in range(4)]
    for share, sizes in ((False, [1, 1, 1, 1]), (True, [4])):
        jobs = [Job(run, tmp_path, "cpu", False, share) for run in frozen]
        assert [len(group) for group in group_jobs(jobs, 2)] == sizes
