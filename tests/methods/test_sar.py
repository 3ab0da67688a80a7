"""Entropy of certain images, uphill from the weights (Niu et al. 2023)."""

import copy
import math

import pytest
import torch
from torch import nn

from da.methods import Network
from da.methods.sar import SAR
from da.ops.functional import prediction_entropy
from da.training.engine import train_step
from tests.conftest import build


def test_a_step_equals_one_with_weights_that_climb_and_return(batch):
    """As the authors' optimizer does: in place, with a backward pass at either end."""
    m = build(SAR, margin=0.9, rho=2.0, collapse=0.0)
    m.head[0].weight.data.mul_(4)
    twin, limit = copy.deepcopy(m), 0.9 * math.log(3)
    losses = train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.0)

    moving = [twin.neck[1].weight, twin.neck[1].bias]
    entropy = prediction_entropy(twin.predict(batch.target.x))
    certain = (entropy < limit).nonzero().flatten()
    assert 0 < len(certain) < 8
    first = torch.autograd.grad(entropy[certain].mean(), moving)
    length = torch.cat(first).norm()
    old = [p.detach().clone() for p in moving]
    for p, g in zip(moving, first, strict=True):
        p.data += 2.0 * g / length
    second = prediction_entropy(twin.predict(batch.target.x))[certain]
    assert 0 < len(second[second < limit]) < len(certain)
    loss = second[second < limit].mean()
    for p, q, g in zip(moving, old, torch.autograd.grad(loss, moving), strict=True):
        p.data = q - 0.1 * g
    torch.testing.assert_close(losses["entropy"], loss.detach())
    torch.testing.assert_close([m.neck[1].weight, m.neck[1].bias], moving)
    torch.testing.assert_close(m.mean, loss.detach())
    assert m.neck[1].num_batches_tracked == 1


def test_norms_return_to_the_source_where_the_entropy_has_collapsed(batch):
    m = build(SAR, margin=1.0, collapse=9.0)
    before = m.neck[1].weight.clone()
    train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.0)
    assert m.neck[1].weight.equal(before)
    assert m.mean.isnan()


def test_a_batch_without_a_certain_image_moves_nothing(batch):
    m = build(SAR, margin=0.1)
    before = m.neck[1].weight.clone()
    train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.0)
    assert m.neck[1].weight.equal(before)
    assert m.online.isfinite().all()


class Stages(nn.Sequential):
    width = 6

    def __init__(self, stages: int):
        each = [nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6)) for _ in range(stages)]
        super().__init__(*each)


@pytest.mark.parametrize(("stages", "moving"), [(5, 4), (12, 9), (1, 1)])
def test_the_last_quarter_of_the_stages_stays(stages, moving):
    m = SAR.Hparams().build(Stages(stages), 3, Network(neck=4))
    assert m.norms == [*(stage[1] for stage in [*m.backbone][:moving]), m.neck[1]]
