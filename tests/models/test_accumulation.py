"""A batch that passes in parts has the features and gradients of the whole, in less memory."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from da.models.accumulation import pass_in_parts
from da.models.backbones import lenet


def gradients(network: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    loss = network(x).square().mean()
    return [loss, *torch.autograd.grad(loss, [*network.parameters()])]


@pytest.mark.parametrize("copied", [False, True])
def test_parts_have_the_gradients_of_the_whole(copied):
    torch.manual_seed(0)
    whole, x = lenet.build(), torch.rand(7, 3, 28, 28)
    parts = deepcopy(whole)
    pass_in_parts(parts, 3)
    parts = deepcopy(parts) if copied else parts
    for ours, ref in zip(gradients(parts, x), gradients(whole, x), strict=True):
        torch.testing.assert_close(ours, ref)
    assert parts.state_dict().keys() == whole.state_dict().keys()


def test_a_copy_passes_through_its_own_weights():
    network = lenet.build()
    pass_in_parts(network, 2)
    copy = deepcopy(network)
    for p in network.parameters():
        p.data.zero_()
    assert copy(torch.rand(4, 3, 28, 28)).abs().sum() > 0


def test_each_part_passes_alone_and_again_for_its_gradient():
    network, seen = nn.Sequential(nn.Linear(2, 2)), []
    network[0].register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    pass_in_parts(network, 3)
    gradients(network, torch.rand(7, 2))
    assert seen == [3, 3, 1, 1, 3, 3]
    seen.clear()
    with torch.no_grad():
        network(torch.rand(7, 2))
    assert seen == [7]


def test_dropout_is_the_same_in_both_passes():
    network = nn.Sequential(nn.Linear(2, 8, bias=False), nn.Dropout(0.5))
    pass_in_parts(network, 2)
    f = network(torch.ones(4, 2))
    f.sum().backward()
    assert torch.equal(network[0].weight.grad[:, 0], 2 * (f != 0).sum(0).float())


def test_batch_norm_is_refused_unless_it_is_frozen():
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    with pytest.raises(ValueError, match="accumulate 2 with a backbone whose batch norm"):
        pass_in_parts(network, 2)
    network[1].held = True
    pass_in_parts(network, 2)
