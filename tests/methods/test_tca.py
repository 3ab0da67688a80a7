"""Transfer component analysis against its purpose; its equations are in test_eigen."""

import pytest
import torch

from da.data import tasks
from da.methods.tca import TCA
from da.models.backbone import Features
from da.training.setup import prepare_task
from tests.conftest import points

N, M = 30, 20


def features(*, shift: float = 0.7, seed: int = 0) -> torch.Tensor:
    """30 source and 20 target images; only what tells the domains apart is in the first feature."""
    x = torch.randn(N + M, 6, generator=torch.Generator().manual_seed(seed))
    x[N:, 0] += shift
    return x


def mapped(x: torch.Tensor, **hp) -> tuple[torch.Tensor, torch.Tensor]:
    m = TCA.Hparams(**hp).build(Features(x.shape[1]), 2)
    twice = (torch.cat([part, part]) for part in (x[:N], x[N:]))  # the second half is for tests
    task = prepare_task(
        m, tasks.build_task("moons:0-1", *(points(f, torch.arange(len(f)) % 2) for f in twice))
    )
    return task.source_train.x[:N], task.target_train.x[:M]


@pytest.mark.parametrize("kind", ["rbf", "linear"])
def test_means_of_the_domains_meet_and_variance_stays(kind):
    x = features(shift=2.0)
    z_s, z_t = mapped(x, dimensions=3, kernel=kind, mu=0.01)
    both = torch.cat([z_s, z_t])
    torch.testing.assert_close(both.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(both.mT @ both / len(both), torch.eye(3), atol=1e-2, rtol=0)
    gap = (z_s.mean(0) - z_t.mean(0)).norm()
    assert gap < 0.15 < 1 < (x[:N].mean(0) - x[N:].mean(0)).norm()


def test_a_larger_mu_leaves_more_of_the_gap():
    gaps = []
    for mu in (1e-2, 1e2, 1e4):
        z_s, z_t = mapped(features(shift=2.0), dimensions=3, mu=mu, kernel="linear")
        gaps.append((z_s.mean(0) - z_t.mean(0)).norm())
    assert gaps[0] < 0.1 * gaps[1] < 0.1 * gaps[2]


def test_it_needs_more_images_than_components():
    m = TCA.Hparams(dimensions=8).build(Features(9), 2)
    with pytest.raises(ValueError, match=r"dimensions 8 .* 8 images"):
        m.find(torch.randn(4, 9), torch.randn(4, 9))
