"""Neighbors attract and the rest of a batch disperses (Yang et al. 2022)."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from da.data import tasks
from da.methods.aad import AaD
from da.training.engine import train_step
from da.training.setup import show_images
from tests.conftest import build, points


def filled(kind, count: int = 12, **hp):
    """A method that remembers its target images."""
    m = build(kind, **hp)
    x = torch.randn(2 * count, 5, generator=torch.Generator().manual_seed(3))
    few = points(x, torch.arange(2 * count) % 3, 3)
    show_images(m, tasks.build_task("moons:0-1", few, few))
    return m


def nearest_by_hand(f: Tensor, memory: Tensor, i: int, count: int) -> list[int]:
    """The most similar images other than `i`, written with sorting."""
    similarity = F.cosine_similarity(f[None], memory).tolist()
    order = sorted(range(len(memory)), key=lambda j: -similarity[j])
    return [j for j in order if j != i][:count]


def test_losses_equal_the_authors_loops(batch):
    """Theirs is a divergence whose gradient is that of the product, and a masked matrix."""
    m = filled(AaD, neighbors=3, trade_off=0.7, decay=2.0)
    found = m(batch, 0.3)
    f = m.embed(batch.target.x)
    p = m.head(f).softmax(1)
    attraction, dispersion = 0.0, 0.0
    for i, index in enumerate(batch.target.index.tolist()):
        for j in nearest_by_hand(f[i], m.memory.f, index, 3):
            attraction -= p[i] @ m.memory.p[j] / len(p)
        dispersion += sum(p[i] @ p[j] for j in range(len(p)) if j != i) / len(p)
    expected = {"attraction": attraction, "dispersion": 0.7 * 4.0**-2 * dispersion}
    torch.testing.assert_close(found, expected)
    parameters = [q for q in m.parameters()]
    ours, theirs = (
        torch.autograd.grad(sum(losses.values()), parameters, allow_unused=True, retain_graph=True)
        for losses in (found, expected)
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_the_memory_holds_what_the_network_says_in_evaluation_mode(batch):
    m = filled(AaD)
    before = m.memory.f.clone()
    train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.0)
    with m.evaluation_mode():
        f = m.embed(batch.target.x)
    torch.testing.assert_close(m.memory.f[:8], F.normalize(f))
    torch.testing.assert_close(m.memory.p[:8], m.head(f).softmax(1))
    assert m.memory.f[8:].equal(before[8:])


def test_a_target_with_too_few_images_is_refused():
    with pytest.raises(ValueError, match="neighbors 12 needs more than 8 target images, known"):
        build(AaD, neighbors=12)
