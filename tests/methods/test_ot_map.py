"""Maps by exact transport against POT, and against their purpose."""

import numpy as np
import ot
import pytest
import torch

from da.methods.ot_map import OTMap
from da.models.backbone import Features
from da.ops.linalg import squared_distances
from tests.conftest import normal


def domain(n: int, seed: int, move: float = 0.0) -> torch.Tensor:
    return move + normal(n, 4, seed=seed).float()


def found(f_s: torch.Tensor, f_t: torch.Tensor) -> OTMap:
    m = OTMap.Hparams().build(Features(f_s.shape[1]), 2)
    m.find(f_s, f_t)
    return m


def moved(m: OTMap, x: torch.Tensor) -> torch.Tensor:
    """Mapped source features, in their own units."""
    return m.map_source(x) * m.spread + m.mean


@pytest.mark.parametrize(("n", "m"), [(30, 30), (30, 20)])
def test_maps_equal_pot(n, m):
    x_s, x_t, new = domain(n, 0), domain(m, 1, 1.0), domain(15, 2)
    peer = ot.da.EMDTransport(out_of_sample_map="ferradans")
    peer.fit(Xs=x_s.double().numpy(), Xt=x_t.double().numpy())
    ours = found(x_s, x_t)
    for x in (x_s, new):
        expected = peer.transform(Xs=x.double().numpy())
        np.testing.assert_allclose(moved(ours, x), expected, rtol=1e-4, atol=1e-4)


def test_each_of_as_many_images_gets_one_target_image():
    x_s, x_t = domain(40, 0), domain(40, 1, 2.0)
    distances = squared_distances(moved(found(x_s, x_t), x_s), x_t)
    assert distances.min(1).values.max() < 1e-5
    assert distances.argmin(1).unique().numel() == 40


def test_it_undoes_a_shift_and_a_stretch():
    x = domain(60, 0)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    f_s = 2 * x + 3
    torch.testing.assert_close(moved(found(f_s, x[order]), f_s), x, rtol=1e-4, atol=1e-4)


def test_no_permutation_is_cheaper():
    x_s, x_t = domain(6, 0), domain(6, 1)
    ours = (moved(found(x_s, x_t), x_s) - x_s).square().sum()
    for seed in range(200):
        order = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
        assert ours <= (x_t[order] - x_s).square().sum() + 1e-4
