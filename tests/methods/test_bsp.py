"""Features without a direction that outweighs the others (Chen et al. 2019)."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from da.methods._spectral import spectral_penalty
from da.methods.bsp import BSP
from da.methods.dann import DANN
from da.training.engine import train_step
from tests.conftest import build, normal


def largest(m, batch) -> torch.Tensor:
    return torch.stack([torch.linalg.svdvals(f)[0] for f in m.features(batch)])


def share(m, batch) -> torch.Tensor:
    """Of the largest singular value in all, in each domain."""
    values = [torch.linalg.svdvals(f) for f in m.features(batch)]
    return torch.stack([v[0] / v.sum() for v in values])


def test_the_largest_singular_values_shrink_along_the_loss(batch):
    m = build(BSP, hidden=(8,), penalty=1.0)
    before = largest(m, batch)
    m(batch, 0.5)["spectrum"].backward()
    with torch.no_grad():
        for p in m.neck[1].parameters():
            p -= 1e-3 * p.grad
    assert (largest(m, batch) < before - 0.01).all()


def test_training_ends_with_more_even_directions(batch):
    left = []
    for penalty in (0.0, 0.03):
        m = build(BSP, hidden=(8,), penalty=penalty)
        optimizer = torch.optim.SGD(m.parameters(), 0.05)
        for _ in range(40):
            train_step(m, optimizer, batch, 0.5)
        left.append((share(m, batch), largest(m, batch)))
    (share_without, without), (share_with, adapted) = left
    assert (share_with < share_without - 0.05).all()
    assert (adapted < 0.8 * without).all()


def test_the_rest_is_dann(batch):
    m, dann = build(BSP, hidden=(8,)), build(DANN, hidden=(8,))
    ours, theirs = m(batch, 0.4), dann(batch, 0.4)
    assert ours.keys() - theirs.keys() == {"spectrum"}
    torch.testing.assert_close({name: ours[name] for name in theirs}, theirs)
    for losses in (ours, theirs):
        losses["domain"].backward()
    torch.testing.assert_close(m.backbone[0].weight.grad, dann.backbone[0].weight.grad)


@pytest.mark.parametrize("directions", [1, 3])
def test_equals_the_sum_written_by_hand(batch, directions):
    m = build(BSP, hidden=(8,), penalty=0.3, directions=directions)
    f = m.neck(m.backbone(torch.cat([batch.source.x, batch.target.x])))
    expected = sum((torch.linalg.svdvals(half)[:directions] ** 2).sum() for half in f.split(8))
    found = m(batch, 0.5)
    torch.testing.assert_close(found["spectrum"], 0.3 * expected)
    torch.testing.assert_close(found["task"], F.cross_entropy(m.head(f[:8]), batch.source.y))


@pytest.mark.parametrize("shape", [(4, 7), (7, 4)])
def test_penalty_has_the_gradient_of_singular_values(shape):
    f = normal(*shape).requires_grad_()
    assert gradcheck(lambda f: spectral_penalty(f, 2), f)
    ours = torch.autograd.grad(spectral_penalty(f, 2), f)
    torch.testing.assert_close(
        ours, torch.autograd.grad(torch.linalg.svdvals(f)[:2].square().sum(), f)
    )


def test_penalty_knows_no_turn():
    f, turn = normal(5, 4), torch.linalg.qr(normal(4, 4, seed=1)).Q
    torch.testing.assert_close(spectral_penalty(f @ turn, 2), spectral_penalty(f, 2))
    torch.testing.assert_close(spectral_penalty(f, 4), f.square().sum())


@pytest.mark.slow
def test_penalty_equals_pytorch_adapt(peer):
    f = normal(6, 4)
    for k in (1, 2):
        torch.testing.assert_close(spectral_penalty(f, k), peer.BatchSpectralLoss(k)(f))
