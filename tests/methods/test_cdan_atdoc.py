"""The losses of CDAN and of ATDOC (Liang et al. 2021)."""

import torch

from da.methods.atdoc import ATDOC
from da.methods.cdan import CDAN
from da.methods.cdan_atdoc import CDANATDOC
from tests.conftest import build


def test_losses_are_those_of_its_parts(batch):
    m, aligned = build(CDANATDOC, hidden=(8,), neighbor_trade_off=0.3), build(CDAN, hidden=(8,))
    voting = build(ATDOC, trade_off=0.3)
    for step in range(2):  # in the second, images are remembered
        aligned.load_state_dict(m.state_dict(), strict=False)
        voting.load_state_dict(m.state_dict(), strict=False)
        found = m(batch, 0.4)
        neighbors = voting(batch, 0.4)["neighbors"]
        torch.testing.assert_close(found, aligned(batch, 0.4) | {"neighbors": neighbors})
        assert bool(m.memory_f.any()) == bool(step)
        m.after_step()
