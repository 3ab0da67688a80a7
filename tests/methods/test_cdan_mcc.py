"""The losses of CDAN and of MCC, each with a life of its own (Jin et al. 2020)."""

import pytest
import torch

from da.methods.cdan import CDAN
from da.methods.cdan_mcc import CDANMCC
from da.methods.mcc import MCC
from da.ops.functional import class_confusion
from tests.conftest import build, domain_loss_after_moving


def test_losses_are_those_of_its_parts(batch):
    both = build(CDANMCC, hidden=(8,), trade_off=0.7, confusion_trade_off=0.3, temperature=1.5)
    aligned = build(CDAN, hidden=(8,), trade_off=0.7)
    clear = build(MCC, trade_off=0.3, temperature=1.5)
    aligned.load_state_dict(both.state_dict())
    clear.load_state_dict(both.state_dict(), strict=False)
    expected = aligned(batch, 0.4)
    confusion = clear(batch, 0.4)["confusion"]
    found = both(batch, 0.4)
    torch.testing.assert_close(found, expected | {"confusion": confusion})
    assert confusion > 0.01

    def gradients(m, losses):
        m.zero_grad()
        sum(losses.values()).backward()
        return {name: p.grad for name, p in m.named_parameters() if p.grad is not None}

    ours = gradients(both, found)
    theirs, more = gradients(aligned, expected), gradients(clear, {"confusion": confusion})
    torch.testing.assert_close(ours, {n: g + more.get(n, 0) for n, g in theirs.items()})


def test_backbone_climbs_the_loss_that_the_discriminator_descends(batch):
    m = build(CDANMCC, hidden=(8,))
    now = m(batch, 1.0)["domain"].item()
    assert domain_loss_after_moving(m, m.discriminator, batch) < now
    assert domain_loss_after_moving(m, m.backbone, batch) > now


def test_heads_descend_the_confusion_of_target_classes(batch):
    m = build(CDANMCC, hidden=(8,))
    f_t = m.features(batch)[1].detach()
    before = class_confusion(m.head(f_t), 2.5)
    m(batch, 1.0)["confusion"].backward()
    assert m.discriminator[0].weight.grad is None
    with torch.no_grad():
        for p in m.head.parameters():
            p -= p.grad
    assert class_confusion(m.head(f_t), 2.5) < before - 1e-4


@pytest.mark.parametrize(
    ("setting", "loss", "part"),
    [("trade_off", "domain", "backbone"), ("confusion_trade_off", "confusion", "head")],
)
def test_each_weight_is_that_of_its_own_loss(batch, setting, loss, part):
    grads = []
    for weight in (1.0, 0.5, 0.0):
        m = build(CDANMCC, hidden=(8,), **{setting: weight})
        m(batch, 0.5)[loss].backward()
        grads.append(getattr(m, part)[0].weight.grad)
    torch.testing.assert_close(grads[0], 2 * grads[1])
    assert grads[0].any()
    assert not grads[2].any()
