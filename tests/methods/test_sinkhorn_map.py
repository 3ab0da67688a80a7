"""Maps by entropic transport against POT, and against their purpose."""

import numpy as np
import ot
import pytest
import torch

from da.data import tasks
from da.methods.sinkhorn_map import SinkhornMap
from da.models.backbone import Features
from da.ops.linalg import squared_distances
from da.training.setup import prepare_task
from tests.conftest import points


def domain(n: int, seed: int, move: float = 0.0) -> torch.Tensor:
    return move + torch.randn(n, 4, generator=torch.Generator().manual_seed(seed))


def mapped(x_s: torch.Tensor, x_t: torch.Tensor, **hp) -> tuple[torch.Tensor, torch.Tensor]:
    """Source and target features, in their own units; the first half of each trains."""
    m = SinkhornMap.Hparams(**hp).build(Features(x_s.shape[1]), 2)
    pair = (points(x, torch.arange(len(x)) % 2) for x in (x_s, x_t))
    task = prepare_task(m, tasks.build_task("moons:0-1", *pair))
    x_s, x_t = (images.x * m.spread + m.mean for images in (task.source_train, task.target_train))
    return x_s, x_t


@pytest.mark.parametrize("norm", ["max", "median", None])
def test_maps_equal_pot(norm):
    x_s, x_t = domain(60, 0), domain(40, 1, 1.0)
    reg = 0.05 if norm else 0.5
    ours, target = mapped(x_s, x_t, reg=reg, norm=norm or "none")
    peer = ot.da.SinkhornTransport(
        reg_e=reg, norm=norm, out_of_sample_map="ferradans", max_iter=5000, tol=1e-10
    )
    peer.fit(Xs=x_s[:30].double().numpy(), Xt=x_t[:20].double().numpy())
    if norm == "median":  # of an even number of entries it has the mean of the middle two
        peer_median = np.median(squared_distances(x_s[:30], x_t[:20]))
        assert peer.norm_cost_ == pytest.approx(peer_median, rel=1e-4)
    for rows in (slice(0, 30), slice(30, 60)):  # images that the plan was made of, and others
        expected = peer.transform(Xs=x_s[rows].double().numpy())
        np.testing.assert_allclose(ours[rows], expected, rtol=2e-3, atol=2e-3)
    torch.testing.assert_close(target, x_t)


def test_a_moved_source_lands_on_its_target():
    x = domain(80, 0)
    ours, target = mapped(x + 3, x, reg=1e-3, max_iterations=3000)
    before, after = ((f[:40] - target[:40]).norm(dim=1).mean() for f in (x + 3, ours))
    assert after < 0.05 * before


def test_a_large_reg_sends_all_to_the_mean_of_the_target():
    ours, target = mapped(domain(40, 0), domain(40, 1), reg=1e3)
    torch.testing.assert_close(ours[:20], target[:20].mean(0).expand(20, 4), atol=1e-2, rtol=0)


def test_units_of_distance_do_not_matter_where_it_is_normalized():
    x_s, x_t = domain(40, 0), domain(40, 1, 1.0)
    for norm in ("max", "median"):
        one, ten = (mapped(s * x_s, s * x_t, norm=norm)[0] for s in (1, 10))
        torch.testing.assert_close(ten, 10 * one, rtol=1e-3, atol=1e-3)


def test_target_images_have_mean_0_and_variance_1_for_the_head():
    m = SinkhornMap.Hparams(standardize=True).build(Features(4), 2)
    x_s, x_t = domain(40, 0), 5 * domain(40, 1, 1.0)
    m.find(x_s, x_t)
    torch.testing.assert_close(m.map_target(x_t).mean(0), torch.zeros(4), rtol=0, atol=1e-5)
    torch.testing.assert_close(m.map_target(x_t).std(0), torch.ones(4))
