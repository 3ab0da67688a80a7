import math

import pytest
import torch
import torch.nn.functional as F

from da.methods._neighbors import compare_targets
from da.methods.dance import DANCE, separation_loss
from da.training.engine import train_step
from tests.conftest import build


def test_losses_are_those_of_the_formula(batch):
    m = build(DANCE, trade_off=0.3)
    f_s, f_t = m.features(batch)
    unit, w = F.normalize(f_t), F.normalize(m.head[0].weight)
    total = 0.0
    for i in range(8):
        others = [unit[i] @ unit[j] for j in range(8) if j != i]
        s = torch.stack([*(unit[i] @ w.mT), *others, *[torch.tensor(-1.0)] * 9]) / 0.05
        total += torch.distributions.Categorical(logits=s).entropy()
    found = m(batch, 0.5)
    torch.testing.assert_close(found["neighborhood"], 0.3 * total / 8)
    expected = F.cross_entropy(F.normalize(f_s) @ w.mT / 0.05, batch.source.y)
    torch.testing.assert_close(found["task"], expected)


def test_images_of_other_batches_are_neighbors(batch):
    m = build(DANCE)
    f = m.features(batch)[1].detach()
    m.memory.f = torch.cat([m.memory.f, F.normalize(f[:1])])
    cosines, unit = compare_targets(f, m.memory, batch.target.index)
    assert cosines.shape == (8, 17)
    assert cosines[0, 8].item() == pytest.approx(1, rel=1e-5)
    assert cosines[:, :8].equal(torch.full((8, 8), -1.0))
    torch.testing.assert_close(cosines[3, 9:11], unit[9:11] @ unit[12])


def test_entropies_part_at_half_of_the_largest_beyond_the_margin():
    z = torch.tensor([[9.0, 0, 0, 0], [0.1, 0, 0, 0], [2.2, 0, 0, 0]], requires_grad=True)
    h = torch.distributions.Categorical(logits=z).entropy()
    far = (h - math.log(4) / 2).abs()
    assert (far > 0.5).tolist() == [True, True, False]
    loss = separation_loss(z, 0.5)
    torch.testing.assert_close(loss, -(far[0] + far[1] + 0.5) / 3)
    loss.backward()
    assert z.grad[0, 0] < 0 < z.grad[1, 0]
    assert z.grad[2].equal(torch.zeros(4))


def test_a_step_remembers_its_images(batch):
    m = build(DANCE)
    before = m.memory.f.clone()
    m(batch, 0.5)
    assert m.memory.f.equal(before)
    train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.5)
    m.eval()
    torch.testing.assert_close(m.memory.f, F.normalize(m.embed(batch.target.x)).detach())
