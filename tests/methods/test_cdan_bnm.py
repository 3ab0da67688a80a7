"""The losses of CDAN and the nuclear norm of BNM (Cui et al. 2020)."""

import torch

from da.methods.cdan import CDAN
from da.methods.cdan_bnm import CDANBNM
from tests.conftest import build


def test_losses_are_those_of_cdan_and_the_nuclear_norm(batch):
    m, aligned = build(CDANBNM, hidden=(8,), nuclear_trade_off=0.3), build(CDAN, hidden=(8,))
    aligned.load_state_dict(m.state_dict())
    p = m.head(m.features(batch)[1]).softmax(1)
    nuclear = -0.3 * torch.linalg.svdvals(p).sum() / 8
    torch.testing.assert_close(m(batch, 0.4), aligned(batch, 0.4) | {"nuclear": nuclear})
