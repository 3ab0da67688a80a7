"""Classes whose means agree in the spaces of several kernels (Zhu et al. 2020)."""

import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from da.methods.dsan import DSAN, local_mmd
from da.ops.functional import grl_warmup
from da.ops.kernels import gaussian_kernel
from da.training.engine import train_step
from tests.conftest import build, normal


def gap(m, batch) -> torch.Tensor:
    f_s, f_t = m.features(batch)
    p_t = F.one_hot(batch.source.y, 3).float()  # as in the making of the batch
    return local_mmd(gaussian_kernel(torch.cat([f_s, f_t])), batch.source.y, p_t)


def test_the_gap_shrinks_along_the_loss(batch):
    m = build(DSAN)
    m.head = torch.nn.Linear(8, 3)
    m.head.weight.data.zero_()  # every target image belongs to every class
    before = gap(m, batch).item()
    m(batch, 1.0)["lmmd"].backward()
    assert all(p.grad.any() for p in m.backbone.parameters())
    with torch.no_grad():
        for p in m.backbone.parameters():
            p -= 0.2 * p.grad
    assert gap(m, batch).item() < before - 0.01


def test_training_closes_the_gap(batch):
    gaps = []
    for trade_off in (0.0, 0.5):
        m = build(DSAN, trade_off=trade_off)
        optimizer = torch.optim.SGD(m.parameters(), 0.1)
        for _ in range(40):
            train_step(m, optimizer, batch, 0.5)
        f_s, f_t = m.features(batch)
        k = gaussian_kernel(torch.cat([f_s, f_t]))
        gaps.append(local_mmd(k, batch.source.y, m.head(f_t).softmax(1)).item())
    without, adapted = gaps
    assert adapted < without / 3


def test_the_weight_warms_up(batch):
    m = build(DSAN)
    assert m(batch, 0.0)["lmmd"] == 0
    half, full = (m(batch, progress)["lmmd"] for progress in (0.05, 1.0))
    torch.testing.assert_close(half / full, torch.tensor(grl_warmup(0.05) / grl_warmup(1.0)))


def test_predictions_of_the_target_are_weights_and_are_not_moved(batch):
    m = build(DSAN)
    m(batch, 1.0)["lmmd"].backward()
    assert all(p.grad is None for p in m.head.parameters())


def test_equals_the_sum_written_by_hand(batch):
    m = build(DSAN, trade_off=0.3, steepness=20)
    m.head[0].weight.data.mul_(10)
    f = m.neck(m.backbone(torch.cat([batch.source.x, batch.target.x])))
    p, y = m.head(f[8:]).softmax(1), batch.source.y
    d = torch.cdist(f, f) ** 2
    k = sum(torch.exp(-d / (d.sum().item() / (16 * 15) * 2**i)) for i in range(-2, 3))
    shared = {*y.tolist()} & {*p.argmax(1).tolist()}
    assert shared
    total = torch.zeros(())
    for c in shared:
        w_s, w_t = (y == c) / (y == c).sum(), p[:, c] / p[:, c].sum()
        total += w_s @ k[:8, :8] @ w_s + w_t @ k[8:, 8:] @ w_t - 2 * w_s @ k[:8, 8:] @ w_t
    expected = {
        "task": F.cross_entropy(m.head(f[:8]), y),
        "lmmd": 0.3 * grl_warmup(0.4, 20) * total / len(shared),
    }
    torch.testing.assert_close(m(batch, 0.4), expected)


def test_one_class_has_the_biased_mmd_of_the_domains():
    k = gaussian_kernel(normal(9, 3))
    y, p_t = torch.zeros(4, dtype=torch.long), torch.ones(5, 1, dtype=k.dtype)
    expected = k[:4, :4].mean() + k[4:, 4:].mean() - 2 * k[:4, 4:].mean()
    torch.testing.assert_close(local_mmd(k, y, p_t), expected)


def test_swapped_classes_are_seen_where_the_domains_agree():
    f = normal(8, 3).repeat(2, 1)
    y = torch.arange(8) % 2
    same, swapped = F.one_hot(y, 2).to(f), F.one_hot(1 - y, 2).to(f)
    assert local_mmd(gaussian_kernel(f), y, same).abs() < 1e-12
    assert local_mmd(gaussian_kernel(f), y, swapped) > 0.1


def test_classes_of_one_domain_alone_do_not_count():
    k = gaussian_kernel(normal(6, 3))
    y = torch.tensor([0, 0, 1])
    p_t = torch.tensor([[0.9, 0.0, 0.1], [0.8, 0.1, 0.1], [0.1, 0.0, 0.9]], dtype=k.dtype)
    alone = local_mmd(k, y, p_t)
    w_t = p_t[:, 0] / p_t[:, 0].sum()
    w = torch.cat([torch.tensor([0.5, 0.5, 0.0], dtype=k.dtype), -w_t])
    torch.testing.assert_close(alone, w @ k @ w)
    assert local_mmd(k, torch.tensor([1, 1, 1]), p_t) == 0


def test_local_mmd_has_the_gradient_of_its_kernel():
    f = normal(7, 3).requires_grad_()
    y, p_t = torch.tensor([0, 1, 1]), normal(4, 2, seed=1).softmax(1)
    assert gradcheck(lambda f: local_mmd(gaussian_kernel(f, width=2.0), y, p_t), f)
