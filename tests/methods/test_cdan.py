"""Features that fool a discriminator which also sees the predictions (Long et al. 2018)."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from da.methods.cdan import CDAN
from da.ops.functional import (
    entropy,
    entropy_weights,
    grl_warmup,
    multilinear,
    randomized_multilinear,
)
from da.training.engine import train_step
from tests.conftest import build, domain_loss_after_moving, normal


@pytest.mark.parametrize("randomized", [True, False])
def test_backbone_climbs_the_loss_that_the_discriminator_descends(batch, randomized):
    m = build(CDAN, hidden=(8,), randomized=randomized, exact_up_to=0, random_width=16)
    now = m(batch, 1.0)["domain"].item()
    assert domain_loss_after_moving(m, m.discriminator, batch) < now
    assert domain_loss_after_moving(m, m.backbone, batch) > now


def test_predictions_grow_certain_along_the_domain_loss(batch):
    """Certain images weigh more in a loss that predictions climb."""
    m = build(CDAN, hidden=(8,))
    f = torch.cat(m.features(batch)).detach()
    before = entropy(m.head(f).softmax(1)).mean()
    m(batch, 1.0)["domain"].backward()
    with torch.no_grad():
        for p in m.head.parameters():
            p -= p.grad
    assert entropy(m.head(f).softmax(1)).mean() < before - 0.001


def test_predictions_are_left_alone_without_entropy_conditioning(batch):
    m = build(CDAN, hidden=(8,), entropy=False)
    m(batch, 1.0)["domain"].backward()
    assert all(p.grad is None for p in m.head.parameters())


@pytest.mark.parametrize("randomized", [True, False])
def test_same_features_with_other_predictions_are_judged_otherwise(randomized):
    m = build(CDAN, hidden=(8,), randomized=randomized, exact_up_to=0)
    f, classes = normal(1, 8, dtype=torch.float32), torch.eye(3)
    judged = torch.cat([m.discriminate(f, p[None]) for p in classes])
    assert len(judged.unique()) == 3
    assert judged.std() > 0.01


def test_trade_off_scales_the_reversed_gradients(batch):
    grads = []
    for trade_off in (1.0, 0.5):
        m = build(CDAN, hidden=(8,), trade_off=trade_off)
        m(batch, 0.3)["domain"].backward()
        grads.append([p[0].weight.grad for p in (m.backbone, m.head, m.discriminator)])
    (b1, h1, d1), (b2, h2, d2) = grads
    torch.testing.assert_close((b1, h1, d1), (2 * b2, 2 * h2, d2))


def test_features_and_predictions_are_left_alone_at_first(batch):
    """The warm-up, of the reversed gradients alone, is that of DANN."""
    m = build(CDAN, hidden=(8,))
    m(batch, 0.0)["domain"].backward()
    assert not m.backbone[0].weight.grad.any()
    assert not m.head[0].weight.grad.any()
    assert m.discriminator[0].weight.grad.any()


@pytest.mark.parametrize("randomized", [True, False])
def test_equals_a_step_written_by_hand(batch, randomized):
    hp = {"hidden": (8,), "randomized": randomized, "exact_up_to": 0, "random_width": 16}
    m, ref = build(CDAN, **hp), build(CDAN, **hp)
    for one in (m, ref):
        one.head[0].weight.data.mul_(20)  # so that some predictions are more certain than others
    sum(m(batch, 0.4).values()).backward()

    f = ref.neck(ref.backbone(torch.cat([batch.source.x, batch.target.x])))
    p = ref.head(f).softmax(1)
    if not randomized:
        both = torch.stack(
            [torch.outer(a, b).flatten() for a, b in zip(f, p.detach(), strict=True)]
        )
    else:
        both = (ref.r_f.mT @ f.mT * (ref.r_p.mT @ p.detach().mT)).mT / 4
    certain = 1 + (p * p.log()).sum(1).exp()
    weights = torch.cat([half / half.sum().detach() for half in certain.split(8)]) / 2

    def right(both):
        judged = ref.discriminator(both).squeeze(1).sigmoid()
        return torch.cat([judged[:8], 1 - judged[8:]]).log()

    (-(weights.detach() * right(both.detach())).sum()).backward()
    d_grads = [q.grad.clone() for q in ref.discriminator.parameters()]
    ref.zero_grad()
    task = -ref.head(f[:8]).log_softmax(1)[range(8), batch.source.y].mean()
    (task + grl_warmup(0.4) * (weights * right(both)).sum()).backward()
    for name, q in m.named_parameters():
        if not name.startswith("discriminator"):
            torch.testing.assert_close(q.grad, dict(ref.named_parameters())[name].grad)
    for q, g in zip(m.discriminator.parameters(), d_grads, strict=True):
        torch.testing.assert_close(q.grad, g)


def test_steps_equal_separate_networks_with_optimizers_of_their_own(batch):
    m = build(CDAN, hidden=(8,))
    parts = m.backbone, m.neck, m.head, m.discriminator
    backbone, neck, head, judge = (nn.Sequential(*copy.deepcopy(part)) for part in parts)
    rest = [*backbone.parameters(), *neck.parameters(), *head.parameters()]
    settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}
    opt_judge = torch.optim.SGD(judge.parameters(), **settings)
    opt_rest = torch.optim.SGD(rest, **settings)
    optimizer = torch.optim.SGD(m.parameters(), **settings)
    for progress in (0.2, 0.5, 0.9):
        train_step(m, optimizer, batch, progress)
        f = neck(backbone(torch.cat([batch.source.x, batch.target.x])))
        p = head(f).softmax(1)
        judged = judge((f[:, :, None] * p.detach()[:, None]).flatten(1)).squeeze(1).sigmoid()
        right = torch.cat([judged[:8], 1 - judged[8:]]).log()
        certain = 1 + (p * p.log()).sum(1).exp()
        weights = torch.cat([half / half.sum().detach() for half in certain.split(8)]) / 2
        loss = -(weights * right).sum()
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


def test_wide_products_are_taken_at_random_if_asked():
    hp = {"randomized": True, "random_width": 7}
    exact, randomized = (build(CDAN, exact_up_to=width, **hp) for width in (24, 23))
    assert not build(CDAN, exact_up_to=0).randomized
    assert exact.discriminator[0].in_features == 24
    assert not dict(exact.named_buffers()).keys() & {"r_f", "r_p"}
    assert randomized.discriminator[0].in_features == 7


def test_random_matrices_survive_a_checkpoint(batch):
    hp = {"hidden": (8,), "randomized": True, "exact_up_to": 0, "random_width": 16}
    m = build(CDAN, **hp)
    torch.manual_seed(1)
    fresh = CDAN.Hparams(**hp).build(build(CDAN).backbone, 3, m.network)
    assert not fresh.r_f.equal(m.r_f)
    fresh.load_state_dict(m.state_dict())
    assert fresh.eval()(batch, 0.5)["domain"].equal(m.eval()(batch, 0.5)["domain"])
    assert not m.r_f.requires_grad
    assert not m.r_p.requires_grad


def test_multilinear_is_the_outer_product_by_hand():
    f, p = torch.tensor([[1.0, -2.0, 3.0]]), torch.tensor([[0.25, 0.75]])
    expected = torch.tensor([[0.25, 0.75, -0.5, -1.5, 0.75, 2.25]])
    torch.testing.assert_close(multilinear(f, p), expected)


def test_randomized_inner_products_are_multilinear_ones_on_average():
    f, p = normal(6, 5), normal(6, 4, seed=1).softmax(1)
    exact = multilinear(f, p)
    r_f, r_p = normal(5, 200_000, seed=2), normal(4, 200_000, seed=3)
    random = randomized_multilinear(f, p, r_f, r_p)
    torch.testing.assert_close(random @ random.mT, exact @ exact.mT, rtol=0.02, atol=0.02)


def test_entropy_weights_by_hand():
    p = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    certain, even = 2.0, 1 + 1 / 2
    expected = torch.tensor([certain, even]) / ((certain + even) / 2)
    torch.testing.assert_close(entropy_weights(p), expected)


def test_entropy_weights_of_certain_predictions_have_a_gradient():
    logits = torch.tensor([[200.0, 0.0], [0.0, 1.0]], requires_grad=True)
    entropy_weights(logits.softmax(1)).square().sum().backward()
    assert logits.grad.isfinite().all()
    assert logits.grad[1].any()


def test_entropy_weights_keep_the_mean_constant():
    """As in the authors' code: the gradient is that of each certainty over a constant."""
    logits = normal(5, 3).requires_grad_()
    p = logits.softmax(1)
    certainty = 1 + (p * p.log()).sum(1).exp()
    expected = torch.autograd.grad((certainty**2).sum() / 2 / certainty.mean().item() ** 2, logits)
    found = torch.autograd.grad((entropy_weights(logits.softmax(1)) ** 2).sum() / 2, logits)
    torch.testing.assert_close(found, expected)


def test_weights_of_tllib_are_constants_of_both_domains_together(batch):
    m = build(CDAN, hidden=(8,), entropy_as="tllib")
    m.head[0].weight.data.mul_(20)  # so that one domain is more certain than the other
    found = m(batch, 1.0)["domain"]
    f = torch.cat(m.features(batch))
    p = m.head(f).softmax(1)
    judged = m.discriminate(f, p).sigmoid()
    weights = 1 + (p * p.log()).sum(1).exp()
    right = torch.cat([judged[:8], 1 - judged[8:]]).log()
    torch.testing.assert_close(found, -(weights * right).sum() / weights.sum())
    found.backward()
    assert all(q.grad is None for q in m.head.parameters())


def test_weights_that_are_not_used_are_refused():
    with pytest.raises(ValueError, match="goes with entropy"):
        CDAN.Hparams(entropy=False, entropy_as="tllib")


@pytest.mark.slow
def test_randomized_multilinear_equals_pytorch_adapt(peer):
    layer = peer.RandomizedDotProduct([5, 4], 16)
    f, p = normal(6, 5, dtype=torch.float32), normal(6, 4, seed=1, dtype=torch.float32).softmax(1)
    ours = randomized_multilinear(f, p, layer.rand_mat0, layer.rand_mat1)
    torch.testing.assert_close(ours, layer(f, p))


@pytest.mark.slow
def test_entropy_weights_equal_pytorch_adapt(peer):
    """Its sum is 1 by default, ours the number of images; its gradient flows through the sum."""
    logits = 3 * normal(7, 4)
    torch.testing.assert_close(
        entropy_weights(logits.softmax(1)), 7 * peer.EntropyWeights()(logits)
    )


@pytest.mark.parametrize("randomized", [True, False])
def test_two_runs_under_vmap_have_the_losses_of_each_alone(batch, randomized):
    hp = {"hidden": (8,), "randomized": randomized, "exact_up_to": 0, "random_width": 16}
    methods = [build(CDAN, **hp).eval(), build(CDAN, **hp).eval()]
    for tensor in methods[1].state_dict().values():
        tensor.mul_(2)
    state = stack_module_state(methods)

    def losses(params, buffers):
        return functional_call(methods[0], (params, buffers), (batch, 0.5))

    together = vmap(losses)(*state)
    for i, m in enumerate(methods):
        torch.testing.assert_close({k: v[i] for k, v in together.items()}, m(batch, 0.5))
