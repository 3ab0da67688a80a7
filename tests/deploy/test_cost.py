"""What a network costs, against counts by hand."""

import time

import pytest
import torch
from torch import nn

from da.deploy import cost
from tests.conftest import THREADS


def test_parameters_that_are_not_zero_are_counted_once():
    linear = nn.Linear(3, 2)
    nn.init.ones_(linear.weight)
    nn.init.ones_(linear.bias)
    linear.weight.data[0, :2] = 0
    assert cost.count_parameters(linear) == 6
    assert cost.count_parameters(linear, nn.Sequential(linear)) == 6


def test_multiplications_are_counted_of_every_image_and_place():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 36, 5))
    assert cost.count_macs(network, torch.rand(2, 3, 8, 8)) == 2 * (8 * 3 * 9 * 36 + 8 * 36 * 5)


def test_groups_of_channels_save_multiplications():
    x = torch.rand(1, 4, 5, 5)
    assert cost.count_macs(nn.Conv2d(4, 4, 1, groups=4), x) == 4 * 25


def test_a_network_that_waits_twice_as_long_takes_twice_as_long():
    def waits(seconds):
        def network(x):
            time.sleep(seconds)

        return network

    first, second = cost.measure_latencies([waits(0.002), waits(0.004)], torch.rand(1))
    assert first.ratio == 1
    assert 0.002 <= first.seconds < 0.004
    assert second.ratio == pytest.approx(2, rel=0.4)


def test_it_is_timed_by_one_thread_and_gives_the_others_back():
    torch.set_num_threads(2)
    seen = set()
    cost.measure_latencies([lambda x: seen.add(torch.get_num_threads())], torch.rand(1))
    assert seen == {1}
    assert torch.get_num_threads() == 2
    torch.set_num_threads(THREADS)
