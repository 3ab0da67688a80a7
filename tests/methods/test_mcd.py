"""Heads that part on target images, features that bring them together (Saito et al. 2018)."""

import copy

import pytest
import torch
import torch.nn.functional as F

from da.methods import Network
from da.methods.mcd import MCD
from da.models.backbone import Features
from da.models.backbones.mlp import MLP
from da.ops.functional import discrepancy
from da.training.engine import train_step
from tests.conftest import build


def apart(m, batch) -> float:
    """How far the heads are from one another on target images."""
    f_t = m.features(batch)[1]
    return discrepancy(m.head(f_t).softmax(1), m.rival(f_t).softmax(1)).item()


def go(m, phase, batch, length: float) -> set[str]:
    """Move along one phase; give the names of what it moved."""
    before = {name: p.clone() for name, p in m.named_parameters()}
    params = list(phase.updates)
    sum(phase.losses(batch, 0.5).values()).backward(inputs=params)
    with torch.no_grad():
        for p in params:
            p -= length * p.grad
    m.zero_grad()
    return {name for name, p in m.named_parameters() if not p.equal(before[name])}


def test_step_b_moves_heads_and_they_part(batch):
    m = build(MCD)
    before = apart(m, batch)
    _, phase, *_ = m.phases()
    assert {name.partition(".")[0] for name in go(m, phase, batch, 0.5)} == {"head", "rival"}
    assert apart(m, batch) > before + 0.003


def test_step_b_parts_the_heads_by_more_than_the_source_alone_does(batch):
    m = build(MCD)
    _, phase, *_ = m.phases()
    losses = phase.losses(batch, 0.5)
    assert losses["disagree"].item() == pytest.approx(-apart(m, batch))
    torch.testing.assert_close(
        {name: losses[name] for name in ("task", "task_rival")}, m(batch, 0.5)
    )


def test_step_c_moves_features_and_the_heads_agree(batch):
    m = build(MCD)
    before = apart(m, batch)
    *_, phase = m.phases()
    assert {name.partition(".")[0] for name in go(m, phase, batch, 0.5)} == {"backbone", "neck"}
    assert apart(m, batch) < before - 0.003


@pytest.mark.parametrize("n", [0, 2, 4])
def test_step_c_is_repeated(n):
    assert len(list(build(MCD, backbone_steps=n).phases())) == 2 + n


def test_training_ends_with_heads_that_agree(batch):
    left = []
    for n in (0, 4):
        m = build(MCD, backbone_steps=n)
        optimizer = torch.optim.SGD(m.parameters(), 0.1)
        for _ in range(40):
            train_step(m, optimizer, batch, 0.5)
        left.append(apart(m, batch))
    without, adapted = left
    assert adapted < without / 2


def test_heads_begin_apart():
    m = build(MCD)
    assert not m.head[0].weight.equal(m.rival[0].weight)


def test_equals_separate_optimizers_in_a_loop_written_by_hand(batch):
    """With momentum, which must not carry on what a phase leaves alone."""
    m = build(MCD, backbone_steps=2)
    ref = copy.deepcopy(m)
    generator = [*ref.backbone.parameters(), *ref.neck.parameters()]
    settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}
    opt_g = torch.optim.SGD(generator, **settings)
    opt_1 = torch.optim.SGD(ref.head.parameters(), **settings)
    opt_2 = torch.optim.SGD(ref.rival.parameters(), **settings)

    def look():
        f = ref.neck(ref.backbone(torch.cat([batch.source.x, batch.target.x])))
        one, two = ref.head(f), ref.rival(f)
        source = F.cross_entropy(one[:8], batch.source.y) + F.cross_entropy(two[:8], batch.source.y)
        return source, (one[8:].softmax(1) - two[8:].softmax(1)).abs().mean()

    def step(loss, *optimizers):
        ref.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()

    optimizer = torch.optim.SGD(m.parameters(), **settings)
    for _ in range(3):
        train_step(m, optimizer, batch, 0.5)
        step(look()[0], opt_g, opt_1, opt_2)
        source, distance = look()
        step(source - distance, opt_1, opt_2)
        for _ in range(2):
            step(look()[1], opt_g)
    torch.testing.assert_close(dict(m.named_parameters()), dict(ref.named_parameters()))


APART = Network(8, 0.0, (), "separate"), Network(8, 0.0, neck_norm=False)


@pytest.mark.parametrize("network", APART, ids=["separate batch norm", "no batch norm"])
def test_domains_that_do_not_meet_in_batch_norm_pass_alone_where_a_step_needs_one(batch, network):
    torch.manual_seed(0)
    m = MCD.Hparams().build(MLP(5, 16), 3, network)
    seen = []
    m.backbone.register_forward_hook(lambda module, args, output: seen.append(args[0]))
    for phase in m.phases():
        phase.losses(batch, 0.5)
    source, target = batch.source.x, batch.target.x
    both = [source, target] if network.neck_norm else [torch.cat([source, target])]
    expected = [source, *both, *4 * [target]]
    assert all(a.equal(b) for a, b in zip(seen, expected, strict=True))


def test_domains_together_in_batch_norm_pass_together_in_every_step(batch):
    m, seen = build(MCD), []
    m.backbone.register_forward_hook(lambda module, args, output: seen.append(len(args[0])))
    for phase in m.phases():
        phase.losses(batch, 0.5)
    assert seen == 6 * [16]


def test_discrepancy_by_hand():
    p, q = torch.tensor([[0.9, 0.1], [0.4, 0.6]]), torch.tensor([[0.5, 0.5], [0.6, 0.4]])
    torch.testing.assert_close(discrepancy(p, q), torch.tensor((0.4 + 0.4 + 0.2 + 0.2) / 4))


def test_discrepancy_has_no_side():
    p, q = (x.softmax(1) for x in torch.randn(2, 5, 3))
    assert discrepancy(p, q).equal(discrepancy(q, p))
    assert discrepancy(p, p) == 0


@pytest.mark.slow
def test_discrepancy_equals_pytorch_adapt(peer):
    one, two = torch.randn(2, 7, 4)
    theirs = peer.MCDLoss()(one, two)
    torch.testing.assert_close(discrepancy(one.softmax(1), two.softmax(1)), theirs)


def test_predicts_what_both_heads_do_together(batch):
    m = build(MCD).eval()
    f = m.neck(m.backbone(batch.target.x))
    torch.testing.assert_close(m.predict(batch.target.x), (m.head(f) + m.rival(f)) / 2)
    torch.testing.assert_close(m.predict_source(batch.target.x), m.predict(batch.target.x))


def test_on_frozen_features_the_neck_is_what_brings_heads_together(batch):
    m = MCD.Hparams().build(Features(5), 3, Network(neck=8, dropout=0))
    before = apart(m, batch)
    *_, phase = m.phases()
    go(m, phase, batch, 0.5)
    assert apart(m, batch) < before


def test_features_that_cannot_learn_are_refused():
    with pytest.raises(ValueError, match="use a neck"):
        MCD.Hparams().build(Features(5), 3, Network(neck=0))


def test_a_weight_scales_the_discrepancy_in_both_steps(batch):
    plain, heavy = build(MCD), build(MCD, trade_off=10)
    for name, place in (("disagree", 1), ("agree", 2)):
        once, more = (list(m.phases())[place].losses(batch, 0.5)[name] for m in (plain, heavy))
        torch.testing.assert_close(more, 10 * once)


def test_uneven_target_predictions_cost_in_steps_a_and_b(batch):
    m = build(MCD, evenness=0.3)
    f_t = m.features(batch)[1]
    means = torch.stack([head(f_t).softmax(1).mean(0) for head in (m.head, m.rival)])
    steps = [phase.losses(batch, 0.5) for phase in m.phases()]
    for losses in steps[:2]:
        torch.testing.assert_close(losses["evenness"], -0.3 * means.log().mean(1).sum())
    assert all("evenness" not in losses for losses in steps[2:])


@pytest.mark.parametrize("bn", ["joint", "separate"])
def test_batch_norm_of_heads_sees_domains_as_bn_says(batch, bn):
    torch.manual_seed(0)
    network = Network(8, 0.0, (6,), bn, head_norm=True)
    m = MCD.Hparams().build(MLP(5, 16), 3, network)
    sizes = []
    m.rival[1].register_forward_hook(lambda module, args, output: sizes.append(len(args[0])))
    for phase in m.phases():
        phase.losses(batch, 0.5)
    assert sizes == (6 * [16] if bn == "joint" else 7 * [8])
