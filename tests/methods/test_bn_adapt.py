"""Statistics of test images in batch norms (Schneider et al. 2020)."""

import pytest
import torch

from da.data.domain import Images
from da.methods import Network
from da.methods.bn_adapt import BNAdapt
from da.models.backbone import Features
from da.training.engine import train_step
from tests.conftest import build


@pytest.mark.parametrize("prior", [0, 24])
def test_predictions_and_statistics_equal_those_by_hand(batch, prior):
    """Of 8 images, with source statistics that are not 0 and 1."""
    m = build(BNAdapt, prior=prior)
    source = m.neck[1].running_mean, m.neck[1].running_var
    source[0].add_(0.3)
    source[1].mul_(2)
    m.prepare_target(Images(torch.zeros(8, 5), torch.arange(8)))
    share, seen = 8 / (8 + prior), []
    held = [v.clone() for v in source]
    for x in (batch.target.x, batch.source.x):
        f = m.neck[0](m.backbone(x))
        own = f.mean(0), f.var(0, correction=0)
        mean, var = (share * new + (1 - share) * old for new, old in zip(own, held, strict=True))
        by_hand = m.head(((f - mean) / (var + 1e-5).sqrt()).relu())
        seen.append((mean, var))
        shown = type(batch)(batch.source, type(batch.target)(x, batch.target.index))
        train_step(m, torch.optim.SGD(m.parameters(), 0.1), shown, 0.0)
        torch.testing.assert_close(m.online, by_hand)
    after = [torch.stack(each).mean(0) for each in zip(*seen, strict=True)]
    torch.testing.assert_close([*source], after)
    m.eval()
    f = (m.neck[0](m.backbone(x)) - after[0]) / (after[1] + 1e-5).sqrt()
    torch.testing.assert_close(m.predict(x), m.head(f.relu()))


def test_a_network_without_batch_norm_is_refused():
    with pytest.raises(ValueError, match="this network has none"):
        BNAdapt.Hparams().build(Features(5), 3, Network(neck=0))
