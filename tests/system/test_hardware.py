"""Ceilings count operations and bytes rightly, and are the best of what is to be had."""

import pytest
import torch
from torch import nn

from da.system import hardware

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _small_and_anew(monkeypatch):
    monkeypatch.setattr(hardware, "CPU_SIDE", 64)
    hardware._measure.cache_clear()
    yield
    hardware._measure.cache_clear()


def test_what_a_second_of_work_counts_as(monkeypatch):
    monkeypatch.setattr(hardware, "_seconds", lambda call, on_gpu: 1.0)
    found = hardware.measure_ceilings(CPU)
    assert found.fp32 == found.bf16 == 2 * 64**3
    assert found.copy == 2 * 4 * 2**25


def test_the_best_of_the_libraries_counts(monkeypatch):
    seconds = iter([2.0, 0.5])
    monkeypatch.setattr(hardware, "_seconds", lambda call, on_gpu: next(seconds))
    monkeypatch.setattr("torch.backends.mkldnn.is_available", lambda: True)
    assert hardware._matmul(torch.ones(4, 4)) == 2 * 4**3 / 0.5


def test_the_shortest_of_at_least_three_calls(monkeypatch):
    clock = iter([0.0, 0.0, 5.0, 5.0, 7.0, 7.0, 10.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock, 99.0))
    calls = []
    assert hardware._seconds(lambda: calls.append(1), on_gpu=False) == 2
    assert len(calls) == 3


@pytest.mark.slow
def test_measured_once_for_each_number_of_threads(monkeypatch):
    found = hardware.measure_ceilings(CPU)
    assert min(found) > 0
    monkeypatch.setattr(hardware, "_seconds", lambda call, on_gpu: 1.0)
    assert hardware.measure_ceilings(CPU) is found
    monkeypatch.setattr("torch.get_num_threads", lambda: 99)
    assert hardware.measure_ceilings(CPU) != found


def test_operations_of_a_layer_are_those_of_its_products():
    x, first, second = torch.rand(4, 8), nn.Linear(8, 16), nn.Linear(16, 2)
    forward = [2 * 4 * 8 * 16, 2 * 4 * 16 * 2]
    assert hardware.count_flops(lambda: first(x)) == forward[0]
    # Backward of a layer is two products, but for the first, whose input takes no gradient.
    done = hardware.count_flops(lambda: second(first(x)).sum().backward())
    assert done == 3 * sum(forward) - forward[0]


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="no oneDNN")
def test_products_of_onednn_count_as_any_other():
    x, weight = torch.ones(4, 6), torch.ones(5, 6)
    product = torch.ops.mkldnn._linear_pointwise
    assert hardware.count_flops(lambda: product(x, weight, None, "none", [], "")) == 2 * 4 * 6 * 5


@pytest.mark.parametrize("groups", [1, 3, 6])
def test_groups_of_a_convolution_make_it_cheaper(groups):
    layer = nn.Conv2d(6, 12, 3, groups=groups, padding=1)
    x = torch.rand(2, 6, 8, 8, requires_grad=True)
    forward = 2 * (2 * 12 * 8 * 8) * (6 // groups) * 9
    assert hardware.count_flops(lambda: layer(x).sum().backward()) == 3 * forward
    assert hardware.count_flops(lambda: layer(x.detach()).sum().backward()) == 2 * forward


def test_a_transposed_convolution_has_the_operations_of_the_other():
    layer = nn.ConvTranspose2d(6, 4, 2, stride=2)
    x = torch.rand(2, 6, 5, 5, requires_grad=True)
    forward = 2 * (2 * 6 * 5 * 5) * 4 * 4
    assert hardware.count_flops(lambda: layer(x).sum().backward()) == 3 * forward
