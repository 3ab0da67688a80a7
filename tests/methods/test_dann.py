import copy

import pytest
import torch
from torch import nn

from da.methods._adversarial import Discriminator
from da.methods.dann import DANN
from da.ops.functional import grl_warmup
from da.training.engine import train_step
from tests.conftest import build, domain_loss_after_moving


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


def test_steps_equal_separate_networks_with_optimizers_of_their_own(batch):
    """Plain PyTorch: the discriminator descends its loss on features that stay where they are,
    then the features climb it as it was before that.
    """
    m = build(DANN, hidden=(8,))
    parts = m.backbone, m.neck, m.head, m.discriminator
    backbone, neck, head, judge = (nn.Sequential(*copy.deepcopy(part)) for part in parts)
    settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}
    opt_judge = torch.optim.SGD(judge.parameters(), **settings)
    rest = [*backbone.parameters(), *neck.parameters(), *head.parameters()]
    opt_rest = torch.optim.SGD(rest, **settings)
    optimizer = torch.optim.SGD(m.parameters(), **settings)
    for progress in (0.2, 0.5, 0.9):
        train_step(m, optimizer, batch, progress)
        f = neck(backbone(torch.cat([batch.source.x, batch.target.x])))
        p = judge(f).squeeze(1).sigmoid()
        loss = -(p[:8].log().sum() + (1 - p[8:]).log().sum()) / 16
        task = -head(f[:8]).log_softmax(1)[range(8), batch.source.y].mean()
        climb = task - grl_warmup(progress) * loss
        of_rest = torch.autograd.grad(climb, rest, retain_graph=True)
        of_judge = torch.autograd.grad(loss, list(judge.parameters()))
        for params, grads in ((rest, of_rest), (judge.parameters(), of_judge)):
            for q, grad in zip(params, grads, strict=True):
                q.grad = grad
        opt_judge.step()
        opt_rest.step()
    for ours, theirs in zip(parts, (backbone, neck, head, judge), strict=True):
        torch.testing.assert_close(list(ours.parameters()), list(theirs.parameters()))


@pytest.mark.parametrize("steepness", [5.0, 20.0])
def test_steepness_of_the_warm_up(steepness):
    m = build(DANN, steepness=steepness, trade_off=2.0)
    assert m.strength(0.0) == 0
    assert m.strength(0.1) == pytest.approx(2 * grl_warmup(0.1 * steepness / 10))


def test_the_domains_losses_are_averaged_or_added_up(batch):
    mean, total = (build(DANN, domain_loss=scale)(batch, 0.5) for scale in ("mean", "sum"))
    torch.testing.assert_close(total["domain"], 2 * mean["domain"])
    torch.testing.assert_close(total["task"], mean["task"])


def test_a_smoothed_domain_label_is_that_of_two_images(batch):
    """Of each image, a tenth is of the other domain (Zhang et al. 2023)."""
    m = build(DANN, domain_smoothing=0.1)
    z = m.discriminator(torch.cat(m.features(batch))).squeeze(1)
    right, wrong = (torch.cat([s * z[:8], -s * z[8:]]).sigmoid().log() for s in (1, -1))
    torch.testing.assert_close(m(batch, 0.5)["domain"], -(0.9 * right + 0.1 * wrong).mean())


@pytest.mark.parametrize("separate", [True, False])
def test_batch_norm_of_the_discriminator_sees_the_mixture_or_each_domain(separate):
    norm = nn.BatchNorm1d(3, affine=False)
    judge = Discriminator(norm, nn.Linear(3, 1), separate=separate)
    f = torch.randn(12, 3)
    seen = []
    judge[1].register_forward_hook(lambda module, args, output: seen.append(args[0]))
    judge(f)
    expected = list(f.chunk(2)) if separate else [f]
    assert [len(x) for x in seen] == [len(x) for x in expected]
    for x in seen:
        torch.testing.assert_close(x.mean(0), torch.zeros(3), atol=1e-6, rtol=0)
    judge.eval()
    torch.testing.assert_close(judge(f)[:6], judge(f[:6]))
