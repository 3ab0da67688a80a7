"""Features whose means agree in the spaces of several kernels (Long et al. 2015)."""

from itertools import combinations

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from da.methods.dan import DAN
from da.ops.kernels import gaussian_kernel, linear_mmd, mmd
from da.training.engine import train_step
from tests.conftest import build, normal

FACTORS = 0.25, 0.5, 1.0, 2.0, 4.0


def gap(m, batch) -> torch.Tensor:
    return mmd(gaussian_kernel(torch.cat(m.features(batch))), 8)


def kernel_by_hand(f: torch.Tensor, factors=FACTORS) -> torch.Tensor:
    distances = torch.cdist(f, f) ** 2
    width = (distances.sum() / (len(f) * (len(f) - 1))).item()
    return sum(torch.exp(-distances / (width * factor)) for factor in factors)


def mmd_by_hand(k: torch.Tensor, n: int) -> torch.Tensor:
    m = len(k) - n
    pairs = [(i, j) for i in range(n + m) for j in range(n + m) if i != j]
    source = sum(k[i, j] for i, j in pairs if i < n and j < n) / (n * (n - 1))
    target = sum(k[i, j] for i, j in pairs if i >= n and j >= n) / (m * (m - 1))
    return source + target - 2 * sum(k[i, j] for i, j in pairs if i < n <= j) / (n * m)


def test_the_gap_shrinks_along_the_loss(batch):
    m = build(DAN)
    before = gap(m, batch).item()
    m(batch, 0.5)["mmd"].backward()
    assert all(p.grad.any() for p in m.backbone.parameters())
    with torch.no_grad():
        for p in m.backbone.parameters():
            p -= 0.1 * p.grad
    assert gap(m, batch).item() < before - 0.01


def test_training_closes_the_gap(batch):
    gaps = []
    for trade_off in (0.0, 1.0):
        m = build(DAN, trade_off=trade_off)
        optimizer = torch.optim.SGD(m.parameters(), 0.05)
        for _ in range(40):
            train_step(m, optimizer, batch, 0.5)
        gaps.append(gap(m, batch).item())
    without, adapted = gaps
    assert adapted < without / 3


def test_features_of_both_domains_move(batch):
    f_s, f_t = torch.randn(8, 8, requires_grad=True), torch.randn(8, 8, requires_grad=True)
    m = build(DAN)
    m.features = lambda batch: (f_s, f_t)
    m(batch, 0.5)["mmd"].backward()
    assert f_s.grad.any()
    assert f_t.grad.any()


def test_equals_the_sum_written_by_hand(batch):
    m = build(DAN, trade_off=0.3)
    f = m.neck(m.backbone(torch.cat([batch.source.x, batch.target.x])))
    expected = {
        "task": F.cross_entropy(m.head(f[:8]), batch.source.y),
        "mmd": 0.3 * mmd_by_hand(kernel_by_hand(f), 8),
    }
    torch.testing.assert_close(m(batch, 0.5), expected)


def test_the_weight_does_not_change_with_progress(batch):
    m = build(DAN)
    torch.testing.assert_close(m(batch, 0.0), m(batch, 1.0))


def test_domains_may_differ_in_size():
    k = kernel_by_hand(normal(7, 3))
    torch.testing.assert_close(mmd(k, 3), mmd_by_hand(k, 3))


def test_mmd_has_no_bias():
    """Over all ways to split one set in two it is 0 on average."""
    f = normal(6, 3)
    splits = [[*i, *({*range(6)} - {*i})] for i in combinations(range(6), 3)]
    found = [mmd(gaussian_kernel(f[split]), 3) for split in splits]
    assert torch.stack(found).mean().abs() < 1e-12
    assert torch.stack(found).abs().max() > 0.01


def test_kernel_by_hand():
    f = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    k = gaussian_kernel(f, (1.0, 2.0), width=5.0)
    expected = torch.tensor([-25 / 5, -25 / 10]).exp().sum()
    torch.testing.assert_close(k[0, 1], expected)
    width = (25 + 1 + 18) / 3
    torch.testing.assert_close(gaussian_kernel(f, (2.0,))[1, 2], torch.tensor(-9 / width).exp())


def test_kernel_knows_neither_place_nor_turn_nor_scale():
    f = normal(7, 4)
    turn = torch.linalg.qr(normal(4, 4, seed=1)).Q
    torch.testing.assert_close(gaussian_kernel(5 * f @ turn + 3), gaussian_kernel(f))
    k = gaussian_kernel(f)
    torch.testing.assert_close(k, k.mT)
    torch.testing.assert_close(k.diagonal(), torch.full((7,), 5.0, dtype=k.dtype))


def test_kernel_has_the_gradient_of_a_constant_width():
    f = normal(6, 3).requires_grad_()
    assert gradcheck(lambda f: mmd(gaussian_kernel(f, width=2.0), 3), f)
    width = (torch.cdist(f, f).square().sum() / 30).item()
    free, fixed = (
        torch.autograd.grad(mmd(gaussian_kernel(f, width=w), 3), f)[0] for w in (None, width)
    )
    torch.testing.assert_close(free, fixed)


def test_kernel_of_equal_features_is_finite():
    f = torch.ones(4, 3, requires_grad=True)
    k = gaussian_kernel(f)
    k.sum().backward()
    torch.testing.assert_close(k, torch.full((4, 4), 5.0))
    assert f.grad.isfinite().all()


def test_linear_estimate_by_a_loop():
    """The fourth target image is in excess."""
    k = gaussian_kernel(normal(7, 4))
    total = 0
    for i, j in ((0, 1), (1, 2), (2, 0)):
        total += k[i, j] + k[3 + i, 3 + j] - k[i, 3 + j] - k[j, 3 + i]
    torch.testing.assert_close(linear_mmd(k, 3), total / 3)


def test_width_that_counts_each_image_with_itself():
    f = normal(6, 3)
    width = torch.cdist(f, f).square().mean()
    torch.testing.assert_close(gaussian_kernel(f, self_pairs=True), gaussian_kernel(f, width=width))


@pytest.mark.slow
def test_mmd_equals_pytorch_adapt(peer):
    """Its kernels are averaged, and their width is the median unless it is given."""
    f_s, f_t = normal(7, 4), normal(5, 4, seed=1) + 1
    f = torch.cat([f_s, f_t])
    width = (torch.cdist(f, f).square().sum() / (12 * 11)).item()
    scales = torch.tensor(FACTORS, dtype=f.dtype)
    theirs = peer.MMDLoss(scales, "quadratic", bandwidth=width)(f_s, f_t)
    torch.testing.assert_close(mmd(gaussian_kernel(f), 7), 5 * theirs)
    batched = peer.MMDBatchedLoss(3, kernel_scales=scales, mmd_type="quadratic", bandwidth=width)
    torch.testing.assert_close(mmd(gaussian_kernel(f), 7), 5 * batched(f_s, f_t))
