import torch

from conftest import build, domain_loss_after_moving
from da.functional import grl_warmup
from da.methods.dann import DANN


def test_backbone_climbs_the_loss_that_the_discriminator_descends(batch):
    m = build(DANN, hidden=(8,))
    now = m(batch, 1.0)["domain"].item()
    assert domain_loss_after_moving(m, m.discriminator, batch) < now
    assert domain_loss_after_moving(m, m.backbone, batch) > now


def test_discriminator_learns_at_full_strength_from_the_first_step(batch):
    """The warm-up is for the features alone (Ganin et al. 2016, section 5.2.2)."""
    grads = []
    for progress in (0.0, 1.0):
        m = build(DANN, hidden=(8,))
        m(batch, progress)["domain"].backward()
        grads.append((m.discriminator[0].weight.grad, m.backbone[0].weight.grad))
    (d0, b0), (d1, b1) = grads
    assert d0.equal(d1)
    assert not b0.any()
    assert b1.any()


def test_trade_off_scales_the_reversed_gradient(batch):
    grads = []
    for trade_off in (1.0, 0.5):
        m = build(DANN, hidden=(8,), trade_off=trade_off)
        m(batch, 0.3)["domain"].backward()
        grads.append(m.backbone[0].weight.grad)
    torch.testing.assert_close(grads[0], 2 * grads[1])


def test_equals_a_step_written_by_hand(batch):
    m, ref = build(DANN, hidden=(8,)), build(DANN, hidden=(8,))
    sum(m(batch, 0.4).values()).backward()

    f = ref.neck(ref.backbone(torch.cat([batch.source.x, batch.target.x])))
    p = ref.discriminator(f.detach()).squeeze(1).sigmoid()
    d_loss = -(p[:8].log().sum() + (1 - p[8:]).log().sum()) / 16
    d_loss.backward()
    d_grads = [q.grad.clone() for q in ref.discriminator.parameters()]
    ref.zero_grad()
    p = ref.discriminator(f).squeeze(1).sigmoid()
    confusion = (p[:8].log().sum() + (1 - p[8:]).log().sum()) / 16 * grl_warmup(0.4)
    task = -ref.head(f[:8]).log_softmax(1)[range(8), batch.source.y].mean()
    (task + confusion).backward()
    for name, q in m.named_parameters():
        if not name.startswith("discriminator"):
            torch.testing.assert_close(q.grad, dict(ref.named_parameters())[name].grad)
    for q, g in zip(m.discriminator.parameters(), d_grads, strict=True):
        torch.testing.assert_close(q.grad, g)
