"""Ceilings count operations and bytes rightly, and are the best of what is to be had."""

import pytest
import torch

from da import ceilings

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _small_and_anew(monkeypatch):
    monkeypatch.setattr(ceilings, "CPU_SIDE", 64)
    ceilings._measured.cache_clear()
    yield
    ceilings._measured.cache_clear()


def test_what_a_second_of_work_counts_as(monkeypatch):
    monkeypatch.setattr(ceilings, "_seconds", lambda call, on_gpu: 1.0)
    found = ceilings.ceilings(CPU)
    assert found.fp32 == found.bf16 == 2 * 64**3
    assert found.copy == 2 * 4 * 2**25


def test_the_best_of_the_libraries_counts(monkeypatch):
    seconds = iter([2.0, 0.5])
    monkeypatch.setattr(ceilings, "_seconds", lambda call, on_gpu: next(seconds))
    monkeypatch.setattr("torch.backends.mkldnn.is_available", lambda: True)
    assert ceilings._matmul(torch.ones(4, 4)) == 2 * 4**3 / 0.5


def test_the_shortest_of_at_least_three_calls(monkeypatch):
    clock = iter([0.0, 0.0, 5.0, 5.0, 7.0, 7.0, 10.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock, 99.0))
    calls = []
    assert ceilings._seconds(lambda: calls.append(1), on_gpu=False) == 2
    assert len(calls) == 3


@pytest.mark.slow
def test_measured_once_for_each_number_of_threads(monkeypatch):
    found = ceilings.ceilings(CPU)
    assert min(found) > 0
    monkeypatch.setattr(ceilings, "_seconds", lambda call, on_gpu: 1.0)
    assert ceilings.ceilings(CPU) is found
    monkeypatch.setattr("torch.get_num_threads", lambda: 99)
    assert ceilings.ceilings(CPU) != found
