"""Neighbors count by reciprocity (Yang et al. 2021)."""

import pytest
import torch

from da.methods.nrc import NRC
from tests.conftest import build
from tests.methods.test_aad import filled, nearest_by_hand


def test_losses_equal_the_sums_of_the_paper(batch):
    m = filled(NRC, neighbors=3, expanded=2, affinity=0.2)
    f = m.embed(batch.target.x)
    p = m.head(f).softmax(1)
    near, far, met = 0.0, 0.0, set()
    for i, index in enumerate(batch.target.index.tolist()):
        for j in nearest_by_hand(f[i], m.memory.f, index, 3):
            further = nearest_by_hand(m.memory.f[j], m.memory.f, j, 2)
            met.add(index in further)
            near -= (1 if index in further else 0.2) * (p[i] @ m.memory.p[j]) / len(p)
            far -= sum(0.2 * (p[i] @ m.memory.p[k]) for k in further) / len(p)
    assert met == {True, False}  # reciprocal neighbors, and others
    mean = p.mean(0)
    expected = {"neighbors": near, "expanded": far, "evenness": (mean * mean.log()).sum()}
    torch.testing.assert_close(m(batch, 0.3), expected)


def test_a_target_with_too_few_images_for_expanded_neighbors_is_refused():
    with pytest.raises(ValueError, match="expanded 8 needs more than 8 target images"):
        build(NRC, expanded=8)
