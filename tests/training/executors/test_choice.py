"""An executor that cannot be used is one line, before anything is done."""

import shutil

import pytest

from da.training.executors import slurm
from da.training.executors.choice import check_executor, open_executor
from da.training.executors.local import Local


def test_this_machine_is_the_usual_one(tmp_path):
    with open_executor("local", (), tmp_path, 3) as executor:
        assert executor == Local(3)


@pytest.mark.parametrize("on", ["", "rays", "slurm:a", "local:2", "ray:"])
def test_an_unknown_executor_is_named_with_the_known_ones(on):
    with pytest.raises(ValueError, match=r"known: local, slurm, ray, ray:ADDRESS$") as raised:
        check_executor(on)
    assert str(raised.value).startswith(f"unknown executor {on!r}")


def test_slurm_is_used_where_jobs_are_submitted(monkeypatch):
    monkeypatch.setattr(slurm, "require", lambda *_: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ValueError, match=r"^--on slurm needs sbatch: "):
        check_executor("slurm", ["gpus=1"])
