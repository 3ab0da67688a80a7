"""Target predictions of a large nuclear norm (Cui et al. 2020)."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from da.methods.bnm import BNM
from da.ops.functional import nuclear_norm
from tests.conftest import build, normal


def norm(m, batch) -> float:
    p = m.head(m.features(batch)[1]).softmax(1).detach()
    return float(np.linalg.norm(p, "nuc"))


@pytest.mark.parametrize("part", ["backbone", "head"])
def test_the_norm_grows_along_the_loss(batch, part):
    m = build(BNM)
    before = norm(m, batch)
    m(batch, 0.5)["nuclear"].backward()
    with torch.no_grad():
        for p in m.get_submodule(part).parameters():
            p -= 0.1 * p.grad
    assert norm(m, batch) > before + 0.01


def test_equals_the_sum_written_by_hand(batch):
    m, code = build(BNM, trade_off=0.3), build(BNM, trade_off=0.3, average_over="singular_values")
    f = m.neck(m.backbone(torch.cat([batch.source.x, batch.target.x])))
    p = m.head(f[8:]).softmax(1)
    values = torch.linalg.eigvalsh(p.mT @ p).sqrt()
    expected = {
        "task": F.cross_entropy(m.head(f[:8]), batch.source.y),
        "nuclear": -0.3 * values.sum() / 8,
    }
    torch.testing.assert_close(m(batch, 0.5), expected, rtol=1e-4, atol=1e-5)
    expected["nuclear"] = -0.3 * values.mean()  # three classes are fewer than eight images
    torch.testing.assert_close(code(batch, 0.5), expected, rtol=1e-4, atol=1e-5)


def test_certain_predictions_of_all_classes_have_the_largest_norm():
    """Of those that are as certain, ones of a single class have the smallest."""
    p = torch.eye(3, dtype=torch.float64)
    all_classes, one_class = p[[0, 1, 2, 0, 1, 2]], p[[0] * 6]
    uncertain = torch.full_like(all_classes, 1 / 3)
    largest = (6 * 3) ** 0.5 / 6
    assert nuclear_norm(all_classes).item() == pytest.approx(largest)
    assert nuclear_norm(one_class).item() == pytest.approx(6**0.5 / 6)
    assert nuclear_norm(uncertain) < nuclear_norm(one_class)


def test_nuclear_norm_in_either_shape():
    for shape in ((7, 4), (3, 5)):
        p = normal(*shape).softmax(1)
        assert nuclear_norm(p).item() == pytest.approx(np.linalg.norm(p, "nuc") / shape[0])
        assert gradcheck(nuclear_norm, p.requires_grad_())


@pytest.mark.slow
def test_equals_pytorch_adapt(peer):
    logits = 3 * normal(7, 4)
    torch.testing.assert_close(-nuclear_norm(logits.softmax(1)), peer.BNMLoss()(logits))
