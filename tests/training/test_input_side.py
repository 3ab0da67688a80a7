from dataclasses import replace

import pytest
import torch

from da.data import tasks
from da.training.input_side import check_side
from da.training.setup import assemble
from tests.fixtures.runs import RUN


@pytest.mark.parametrize("regime", ["full", "frozen"])
def test_a_wrong_side_is_refused_before_images_are_read(regime, monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", lambda *_: pytest.fail("images are read"))
    run = replace(RUN, task="office31:amazon-dslr", side=96, regime=regime, init="0123456789ab")
    with pytest.raises(ValueError, match=r"lenet does not fit images of 96 x 96 .*: side 28$"):
        assemble(run, "cpu")


def test_a_side_that_fits_leaves_random_numbers_as_they_are():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    check_side(replace(RUN, task="office31:amazon-dslr"))
    assert (torch.random.get_rng_state() == before).all()


def test_images_that_have_a_size_are_tried_later():
    check_side(replace(RUN, side=96))
