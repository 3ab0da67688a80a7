"""A source model, then a target encoder that a discriminator cannot tell (Tzeng et al. 2017)."""

import copy
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from da.methods import Network
from da.methods.adda import ADDA
from da.models.backbone import Features
from da.training.engine import fit, train_step
from tests.conftest import build

SGD = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}


def adapting(batch, steps: int = 3, **hp) -> ADDA:
    """A method whose first stage is over."""
    m = build(ADDA, source_share=0.1, **hp)
    optimizer = torch.optim.SGD(m.parameters(), **SGD)
    train_step(m, optimizer, batch, 0.1)
    for _ in range(steps - 1):
        train_step(m, optimizer, batch, 0.5)
    assert m.adapting
    return m


def moves(m, batch) -> set[str]:
    before = copy.deepcopy(m.state_dict())
    train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.5)
    return {
        name.partition(".")[0]
        for name, tensor in m.state_dict().items()
        if not tensor.equal(before[name]) and "running" not in name and "tracked" not in name
    }


def seen_as_source(m, batch) -> float:
    return m.discriminator(m.embed(batch.target.x)).sigmoid().mean().item()


def test_the_target_encoder_moves_to_where_it_is_taken_for_the_source(batch):
    m = adapting(batch)
    before = seen_as_source(m, batch)
    _, confusion = m.phases()
    losses = confusion.losses(batch, 0.5)
    assert losses.keys() == {"confusion"}
    losses["confusion"].backward(inputs=list(confusion.updates))
    with torch.no_grad():
        for p in confusion.updates:
            p -= 0.1 * p.grad if p.grad is not None else 0
    assert seen_as_source(m, batch) > before


def test_the_discriminator_learns_which_encoder_it_was(batch):
    m = adapting(batch)
    phase, _ = m.phases()
    before = phase.losses(batch, 0.5)["domain"].item()
    phase.losses(batch, 0.5)["domain"].backward(inputs=list(phase.updates))
    with torch.no_grad():
        for p in phase.updates:
            p -= 0.1 * p.grad
    assert phase.losses(batch, 0.5)["domain"].item() < before


def test_only_the_target_encoder_and_the_discriminator_move_in_the_second_stage(batch):
    m = adapting(batch)
    assert moves(m, batch) == {"backbone", "neck", "discriminator"}
    assert moves(build(ADDA, source_share=1.0), batch) == {
        *("backbone", "neck", "head", "discriminator", "source_encoder")
    }


def test_the_source_model_ends_as_it_was_at_the_change(batch):
    m = adapting(batch, 1)
    at_the_change = copy.deepcopy(m).eval()
    optimizer = torch.optim.SGD(m.parameters(), **SGD)
    for _ in range(5):
        train_step(m, optimizer, batch, 0.5)
    m.eval()
    x = batch.source.x
    assert m.predict_source(x).equal(at_the_change.predict(x))
    assert not m.predict(x).equal(m.predict_source(x))


def test_no_target_image_touches_the_source_model(batch):
    spoilt = replace(batch, target=replace(batch.target, x=batch.target.x + 100))
    models = []
    for seen in (batch, spoilt):
        m = build(ADDA, source_share=1.0)
        train_step(m, torch.optim.SGD(m.parameters(), **SGD), seen, 0.0)
        models.append(m.eval())
    one, other = models
    assert one.predict(batch.source.x).equal(other.predict(batch.source.x))


@pytest.mark.parametrize(("share", "steps"), [(0.0, 0), (0.25, 3), (0.5, 5), (1.0, 8)])
def test_the_share_of_steps_on_the_source(batch, share, steps):
    m = build(ADDA, source_share=share)
    logged = fit(m, [batch] * 8, torch.optim.SGD(m.parameters(), 0.01), 8, 1)
    assert ["task" in losses for _, losses in logged] == [True] * steps + [False] * (8 - steps)


def test_the_stage_survives_a_checkpoint(batch):
    m, fresh = adapting(batch), build(ADDA)
    fresh.load_state_dict(m.state_dict())
    assert fresh.adapting
    assert all(isinstance(value, torch.Tensor) for value in m.state_dict().values())
    twins = [torch.optim.SGD(one.parameters(), 0.1) for one in (m, fresh)]
    for one, optimizer in zip((m, fresh), twins, strict=True):
        train_step(one, optimizer, batch, 0.5)
    torch.testing.assert_close(m.state_dict(), fresh.state_dict())


def test_dropout_and_batch_norm_of_the_source_encoder(batch):
    """Both encoders drop features, which would tell them apart; only one goes on to learn."""
    torch.manual_seed(0)
    m = ADDA.Hparams().build(Features(5), 3, Network(neck=64, dropout=0.5))
    norm = m.source_encoder[1][1]
    assert not norm.training
    f = m.embed_source(batch.source.x)
    assert (f == 0).float().mean() > 0.3
    assert not m.embed_source(batch.source.x).equal(f)
    assert norm.running_mean.equal(torch.zeros(64))


def test_features_that_cannot_learn_are_refused():
    with pytest.raises(ValueError, match="use a neck"):
        ADDA.Hparams().build(Features(5), 3, Network(neck=0))


def test_equals_two_networks_and_three_optimizers_written_by_hand(batch):
    """A momentum of 0, as a single optimizer carries the encoder's from stage to stage."""
    m = build(ADDA, hidden=(8,), source_share=0.25)
    ref = copy.deepcopy(m)
    backbone, neck, head, judge = ref.backbone, ref.neck, ref.head, ref.discriminator
    encoder = [*backbone.parameters(), *neck.parameters()]
    settings = {"lr": 0.1, "weight_decay": 0.01}
    opt_model = torch.optim.SGD([*encoder, *head.parameters()], **settings)
    opt_judge = torch.optim.SGD(judge.parameters(), **settings)
    x_s, x_t = batch.source.x, batch.target.x

    def step(loss, optimizer):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def teach(f_s, f_t):
        right = torch.cat([judge(f_s.detach()).sigmoid(), 1 - judge(f_t.detach()).sigmoid()])
        step(-right.log().mean(), opt_judge)

    list(fit(m, [batch] * 8, torch.optim.SGD(m.parameters(), **settings), 8, 8))
    for _ in range(3):
        before = copy.deepcopy(torch.nn.Sequential(backbone, neck)).eval()
        step(F.cross_entropy(head(neck(backbone(x_s))), batch.source.y), opt_model)
        teach(before(x_s), before(x_t))
    source = copy.deepcopy(torch.nn.Sequential(backbone, neck)).eval()
    opt_encoder = torch.optim.SGD(encoder, **settings)
    for _ in range(5):
        teach(source(x_s), neck(backbone(x_t)))
        step(-judge(neck(backbone(x_t))).sigmoid().log().mean(), opt_encoder)
    torch.testing.assert_close(dict(m.named_parameters()), dict(ref.named_parameters()))


def test_a_reversed_gradient_moves_features_and_discriminator_in_one_step(batch):
    """As DANN with a fixed source encoder: the features' gradient is -2 times its warm-up."""
    m = build(ADDA, source_share=0.0, reversal=2.0, steepness=1.0, hidden_norm=True)
    (phase,) = m.phases()
    assert phase.losses(batch, 0.5).keys() == {"domain"}
    assert moves(m, batch) == {"backbone", "neck", "discriminator"}
    grads = []
    for progress in (0.25, 0.5):
        m.zero_grad()
        phase.losses(batch, progress)["domain"].backward()
        grads.append([p.grad.clone() for p in (m.neck[0].weight, m.discriminator[0].weight)])
    warm = [2 / (1 + math.exp(-progress)) - 1 for progress in (0.25, 0.5)]
    torch.testing.assert_close(grads[1][0], grads[0][0] * warm[1] / warm[0])
    torch.testing.assert_close(grads[1][1], grads[0][1])
