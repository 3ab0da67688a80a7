"""What the first group of a kind held is what others of its kind get, with a margin."""

from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from da.training.executors.needs import CONTEXT, Needs, Peak
from da.training.jobs import Job
from tests.fixtures.points import BEGUN, RUN


def group(run) -> list[Job]:
    return [Job(run, Path("results"), "cpu", False)]


FIRST, LATER = group(RUN), group(replace(RUN, task="moons:0-40", seed=3, lr=0.1))
OTHER = group(BEGUN)


def test_what_is_given_is_not_measured():
    needs = Needs({"cpus": 2.0, "gpus": 0.25})
    needs.begin(FIRST)
    assert needs.take(deque([LATER]), False) == LATER
    needs.end(FIRST, [Peak(9.0, 0.9)])
    assert needs.of(LATER) == needs.least == {"cpus": 2.0, "gpus": 0.25, "memory": 0.0}


def test_others_of_a_kind_wait_for_the_first_and_get_what_the_largest_held(capsys):
    needs = Needs({"gpus": "auto", "memory": 4.0})
    assert needs.of(FIRST) == {"cpus": 1.0, "gpus": 1.0, "memory": 4.0}
    needs.begin(FIRST)
    assert needs.take(deque([LATER]), False) is None
    assert needs.take(deque([LATER]), True) == LATER
    assert needs.take(deque([LATER, OTHER]), False) == OTHER
    needs.end(FIRST, [Peak(1.0, 0.1), Peak(1.0, 0.11)])
    assert needs.take(left := deque([LATER]), False) == LATER
    assert not left
    assert needs.of(LATER)["gpus"] == 0.15
    needs.end(LATER, [Peak(1.0, 0.4)])
    assert needs.of(FIRST)["gpus"] == 0.5
    needs.end(FIRST, [Peak(1.0, 0.1)])
    assert needs.of(FIRST)["gpus"] == 0.5
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(("held", "gets"), [(0.04, 0.05), (0.16, 0.2), (0.161, 0.25), (0.9, 1.0)])
def test_shares_of_a_gpu_are_twentieths_and_at_most_all(held, gets):
    needs = Needs({"gpus": "auto"})
    needs.end(FIRST, [Peak(1.0, held)])
    assert needs.of(FIRST)["gpus"] == gets


def test_a_group_that_was_lost_is_not_measured():
    needs = Needs({"memory": "auto"})
    needs.begin(FIRST)
    needs.end(FIRST)
    assert needs.take(deque([LATER]), False) == LATER
    assert needs.of(LATER)["memory"] == 0


def test_a_peak_has_what_pytorch_and_its_context_hold_of_a_gpu(monkeypatch):
    for name, gives in {
        "is_initialized": True,
        "mem_get_info": (0, 80 * 2**30),
        "max_memory_reserved": 8 * 2**30 - CONTEXT,
    }.items():
        monkeypatch.setattr(torch.cuda, name, lambda gives=gives: gives)
    peak = Peak.here()
    assert peak.gpus == 0.1
    assert 0.05 < peak.memory < 64
