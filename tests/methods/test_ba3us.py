import numpy as np
import pytest
import torch
import torch.nn.functional as F

from da.data.domain import Images, LabeledImages
from da.methods.ba3us import BA3US, complement_entropy
from da.methods.pada import PADA
from tests.conftest import build
from tests.contracts.test_known_shift import SMALLEST, lacking, target_accuracy


def prepared(batch, **hp) -> BA3US:
    m = build(BA3US, hidden=(8,), **hp)
    rows = torch.arange(len(batch.target.x))
    source = LabeledImages(batch.source.x, rows, batch.source.y)
    m.prepare(source, Images(batch.target.x, rows))
    m.weights = torch.tensor([1.0, 0.25, 0.5])
    return m


def test_domain_loss_is_that_of_a_batch_with_borrowed_images_behind_the_target(batch):
    """As the authors write it: three parts of one batch, each with its mask."""
    m = prepared(batch)
    f_s, f_t = m.features(batch)
    f = torch.cat([f_s, f_t, f_s[[0, 4]]])
    p = m.head(f).softmax(1)
    weight = 1 + (p * p.log()).sum(1).exp()
    y = torch.cat([batch.source.y, batch.source.y[[0, 4]]])
    weight[[*range(8), 16, 17]] *= m.weights[y]
    source = torch.tensor([1.0] * 8 + [0.0] * 8 + [1.0] * 2) * weight
    target = torch.tensor([0.0] * 8 + [1.0] * 8 + [0.0] * 2) * weight
    weight = (1 + 2 / 8) * source / source.sum() + target / target.sum()
    d = m.discriminator(f).squeeze(1).sigmoid()
    label = torch.tensor([1.0] * 8 + [0.0] * 10)
    each = F.binary_cross_entropy(d, label, reduction="none")
    torch.testing.assert_close(m(batch, 0.0)["domain"], (weight * each).sum() / weight.sum())
    m.hp = BA3US.Hparams(hidden=(8,), domain_loss="sum")
    torch.testing.assert_close(m(batch, 0.0)["domain"], (weight * each).sum())


def test_other_losses_are_those_of_the_formula(batch):
    m = prepared(batch, entropy_trade_off=0.3, complement_trade_off=2.0)
    f_s, f_t = m.features(batch)
    z, p = m.head(f_s), m.head(f_t).softmax(1)
    found = m(batch, 0.3)
    torch.testing.assert_close(found["task"], F.cross_entropy(z, batch.source.y, m.weights))
    torch.testing.assert_close(found["entropy"], -0.3 * (p * p.log()).sum(1).mean())
    weights = m.weights[batch.source.y]
    expected = -2.0 * complement_entropy(z, batch.source.y, weights)
    torch.testing.assert_close(found["complement"], expected)


def test_complement_entropy_row_by_row():
    z, y = torch.randn(6, 4, requires_grad=True), torch.tensor([0, 1, 2, 3, 0, 1])
    w = torch.rand(6)
    total = 0.0
    for i in range(6):
        p = z[i].softmax(0).detach().numpy().astype(np.float64)
        q = np.delete(p, y[i]) / (1 - p[y[i]])
        share = w[i] * (1 - p[y[i]]) / (w * (1 - z.softmax(1)[range(6), y])).sum()
        total += share.item() * -(q * np.log(q)).sum() / np.log(3)
    found = complement_entropy(z, y, w)
    assert found.item() == pytest.approx(total, abs=1e-6)
    found.backward()
    assert z.grad.isfinite().all()
    assert z.grad.abs().sum() > 0


def test_of_two_classes_one_is_wrong_and_has_no_entropy():
    z = torch.randn(4, 2, requires_grad=True)
    complement_entropy(z, torch.tensor([0, 1, 1, 0]), torch.ones(4)).backward()
    assert z.grad.equal(torch.zeros(4, 2))


@pytest.mark.parametrize(("progress", "count"), [(0.0, 9), (0.1, 8), (0.55, 4), (0.9, 0)])
def test_the_target_borrows_less_and_less(batch, progress, count):
    m = prepared(batch)
    m.progress = progress
    borrowed = m.borrow(36)
    assert len(borrowed) == len({*borrowed.tolist()}) == count


def test_predictions_weigh_the_classes_as_they_are():
    assert BA3US.Hparams().temperature == 1
    assert PADA.Hparams().temperature == 0.1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_target_that_nearly_lacks_a_class_misleads_dann_alone(seed):
    same = {"frozen": False, "network": SMALLEST, "hidden": (32,)}
    dann = target_accuracy("dann", lacking(), seed, **same)
    own = target_accuracy("ba3us", lacking(), seed, **same, entropy_trade_off=0.0)
    assert own > dann + 10
