"""Averages of weights over steps: teachers, and networks that are pulled back."""

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from da.methods._average import move_toward
from da.models.network import copy_as_buffers


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def step(student: nn.Module) -> None:
    student(torch.randn(8, 3))
    with torch.no_grad():
        for p in student.parameters():
            p += torch.randn_like(p)


def test_a_teacher_is_the_average_that_torch_computes():
    student = network()
    theirs = AveragedModel(student, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    theirs.update_parameters(student)  # its first update copies
    ours = copy_as_buffers(student)
    for _ in range(3):
        step(student)
        move_toward(ours, student, 0.1)
        theirs.update_parameters(student)
    for name, p in theirs.module.named_parameters():
        torch.testing.assert_close(ours.get_buffer(name), p.detach())
    assert ours[1].running_mean.equal(torch.zeros(4))


def test_a_network_is_pulled_back_to_where_it_began():
    student = network()
    first = copy_as_buffers(student)
    step(student)
    moved = [p.clone() for p in student.parameters()]
    move_toward(student, first, torch.tensor(0.25))
    for (name, p), q in zip(student.named_parameters(), moved, strict=True):
        torch.testing.assert_close(p, 0.75 * q + 0.25 * first.get_buffer(name))
        assert p.requires_grad
