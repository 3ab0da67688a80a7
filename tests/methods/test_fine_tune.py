"""The source first, then the labeled target images, and never the unlabeled ones."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from da.methods.fine_tune import FineTune
from da.training.engine import fit
from tests.conftest import build


def unseen(part):
    """The same part of a batch, with images that spoil whatever reads them."""
    return replace(part, x=torch.full_like(part.x, torch.nan))


def test_only_the_source_is_seen_before_the_change(batch):
    m = build(FineTune, source_share=0.6)
    seen = replace(batch, target=unseen(batch.target), shots=unseen(batch.shots))
    expected = F.cross_entropy(m.predict(batch.source.x), batch.source.y)
    for progress in (0.0, 0.5, 0.59):
        torch.testing.assert_close(m(seen, progress), {"task": expected})


def test_only_the_shots_are_seen_after_the_change(batch):
    m = build(FineTune, source_share=0.6)
    seen = replace(batch, target=unseen(batch.target), source=unseen(batch.source))
    expected = F.cross_entropy(m.predict(batch.shots.x), batch.shots.y)
    for progress in (0.6, 0.7, 1.0):
        torch.testing.assert_close(m(seen, progress), {"task": expected})


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_the_share_of_steps_on_the_source(batch, share):
    m = build(FineTune, source_share=share)
    stages = []
    m.predict = lambda x: stages.append(x is batch.source.x) or m.head(m.embed(x))
    list(fit(m, [batch] * 8, torch.optim.SGD(m.parameters(), 0.1), 8, 8))
    assert stages == [True] * int(8 * share) + [False] * int(8 - 8 * share)
