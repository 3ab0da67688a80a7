import pytest
import torch

from da.data.batch import Labeled, join_labeled
from da.data.domain import LabeledImages
from da.data.draws import SourceDraws, draw


def images(domains: torch.Tensor | None) -> LabeledImages:
    rows = torch.arange(30)
    return LabeledImages(torch.zeros(30, 2), rows, rows % 3, domains=domains)


def test_one_source_is_drawn_as_ever():
    draws = SourceDraws(images(None), 8, 5)
    assert all(draws.rows(step).equal(draw(30, 8, step, 5)) for step in (0, 3, 40))


def test_several_sources_have_equal_shares():
    domains = torch.tensor([0] * 20 + [1] * 3 + [2] * 7)
    draws = SourceDraws(images(domains), 8, 0)
    for step in range(5):
        assert domains[draws.rows(step)].tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    seen = torch.cat([draws.rows(step) for step in range(30)])
    assert seen.unique().numel() == 30
    with pytest.raises(ValueError, match="2 source images has none of some of 3 domains"):
        SourceDraws(images(domains), 2, 0)


def test_shots_among_source_images_are_of_one_more_domain():
    first = Labeled(torch.zeros(2, 1), torch.tensor([0, 1]), domain=torch.tensor([0, 1]))
    both = join_labeled(first, Labeled(torch.ones(1, 1), torch.tensor([2])), 2)
    assert both.x.flatten().tolist() == [0, 0, 1]
    assert (both.y.tolist(), both.domain.tolist()) == ([0, 1, 2], [0, 1, 2])
