"""The losses of CDAN and the spectral penalty of BSP (Chen et al. 2019)."""

import pytest
import torch

from da.methods.cdan import CDAN
from da.methods.cdan_bsp import CDANBSP
from tests.conftest import build


@pytest.mark.parametrize("directions", [1, 2])
def test_losses_are_those_of_cdan_and_the_largest_singular_values(batch, directions):
    m = build(CDANBSP, hidden=(8,), penalty=0.3, directions=directions)
    aligned = build(CDAN, hidden=(8,))
    aligned.load_state_dict(m.state_dict())
    values = [torch.linalg.svdvals(f)[:directions] for f in m.features(batch)]
    spectrum = 0.3 * torch.cat(values).square().sum()
    torch.testing.assert_close(m(batch, 0.4), aligned(batch, 0.4) | {"spectrum": spectrum})
