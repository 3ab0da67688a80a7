"""A block of deterministic operations leaves everything as it was."""

import os
from contextlib import suppress

import pytest
import torch

from da.system.determinism import WORKSPACE, deterministic_operations


def conditions() -> tuple[bool, bool, bool, str | None]:
    cudnn = torch.backends.cudnn
    on = torch.are_deterministic_algorithms_enabled()
    return on, cudnn.deterministic, cudnn.benchmark, os.environ.get(WORKSPACE)


@pytest.mark.parametrize("workspace", [None, ":16:8"])
def test_all_is_as_before_even_after_an_error(workspace, monkeypatch):
    monkeypatch.delenv(WORKSPACE, raising=False)
    if workspace:
        monkeypatch.setenv(WORKSPACE, workspace)
    before = conditions()
    with suppress(KeyError), deterministic_operations():
        assert conditions() == (True, True, False, ":4096:8")
        raise KeyError
    assert conditions() == before


def test_an_operation_without_a_deterministic_way_is_refused():
    x, i = torch.zeros(3), torch.tensor([0, 0])
    with deterministic_operations(), pytest.raises(RuntimeError, match="deterministic"):
        x.put_(i, torch.ones(2), accumulate=False)
