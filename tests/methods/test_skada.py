"""Mappings of skada, where it is installed, are those of its own pipelines."""

import sys

import numpy as np
import pytest
import torch

from da.data import tasks
from da.methods.skada import MAPPINGS, PROJECTIONS, Skada
from tests.conftest import build, normal, points

ADAPTERS = [
    pytest.param(name, marks=pytest.mark.slow if name == "MMDLSConSMapping" else ())
    for name in f"{MAPPINGS} {PROJECTIONS}".split()
]
pytestmark = [  # of the library, about itself
    pytest.mark.filterwarnings("ignore:The solution of the generalized eigenvalue"),
    pytest.mark.filterwarnings("ignore:Sinkhorn did not converge"),
    pytest.mark.filterwarnings("ignore:To copy construct from a tensor"),
]


def prepared(**hp) -> tuple[Skada, torch.Tensor, torch.Tensor]:
    """One that saw 40 source points and 40 others, and all 80 of each."""
    x_s, x_t = normal(80, 5, dtype=torch.float32), normal(80, 5, seed=1, dtype=torch.float32)
    x_t = x_t @ (torch.eye(5) + 0.5 * normal(5, 5, seed=2, dtype=torch.float32)) + 3
    y = torch.arange(80) % 3
    task = tasks.build_task("moons:0-1", points(x_s, y, 3), points(x_t, y, 3))
    m = build(Skada, **hp)
    m.prepare(task.source_train, task.target_train)
    return m, x_s, x_t


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_maps_new_points_as_the_librarys_adapter_does(adapter):
    m, x_s, x_t = prepared(adapter=adapter)
    import skada

    both = torch.cat([x_s[:40], x_t[:40]]).double().numpy()
    mean, spread = both.mean(0), both.std(0)
    gamma = {"gamma": 1.0} if adapter == "MMDLSConSMapping" else {}
    theirs = getattr(skada, f"{adapter}Adapter")(**gamma)
    marks = np.repeat([1, -2], 40)
    y = np.append(np.arange(40) % 3, np.full(40, -1))
    theirs.fit((both - mean) / spread, y, sample_domain=marks)

    def adapted(x, mark):
        z = (x.double().numpy() - mean) / spread
        return theirs.transform(z, sample_domain=np.full(len(z), mark), allow_source=True)

    trained = np.concatenate([adapted(x_s[:40], 1), adapted(x_t[:40], -2)])
    for ours, x, mark in ((m.map_source, x_s, 1), (m.map_target, x_t, -2)):
        expected = (adapted(x, mark) - trained.mean(0)) / trained.std(0)
        with torch.no_grad():  # as in training
            assert np.allclose(ours(x).numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("adapter", ["CORAL", "OTMapping", "SubspaceAlignment"])
def test_domains_are_alike_once_mapped(adapter):
    m, x_s, x_t = prepared(adapter=adapter)
    before = (x_s.mean(0) - x_t.mean(0)).norm() / x_t.std()
    after = (m.map_source(x_s[:40]).mean(0) - m.map_target(x_t[:40]).mean(0)).norm()
    assert after < 0.1 * before


@pytest.mark.parametrize("adapter", ["CORAL", "OTMapping", "TransferJointMatching"])
def test_the_maps_survive_a_checkpoint(adapter, tmp_path):
    m, x_s, x_t = prepared(adapter=adapter)
    torch.save(m.state_dict(), tmp_path / "weights.pt")
    fresh = build(Skada, adapter=adapter)
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    torch.testing.assert_close(fresh.map_source(x_s), m.map_source(x_s))
    torch.testing.assert_close(fresh.map_target(x_t), m.map_target(x_t))


@pytest.mark.parametrize("adapter", PROJECTIONS.split()[:2])
def test_projects_to_as_many_components_as_asked(adapter):
    m, x_s, x_t = prepared(adapter=adapter, components=2)
    assert m.map_source(x_s).shape == m.map_target(x_t).shape == (80, 2)
    assert m.head[0].in_features == 2


@pytest.mark.parametrize(
    ("hp", "message"),
    [
        ({"adapter": "KLIEPReweight"}, "unknown adapter 'KLIEPReweight', known: CORAL, "),
        (
            {"adapter": "CORAL", "components": 2},
            "unknown adapter with components 'CORAL', known: SubspaceAlignment, ",
        ),
    ],
)
def test_unknown_adapters_are_named(hp, message):
    with pytest.raises(ValueError, match=message):
        Skada.Hparams(**hp).build(torch.nn.Identity(), 3)


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "skada", None)
    with pytest.raises(ValueError, match=r'skada needs skada: pip install "da-lab\[peers\]"'):
        Skada.Hparams().build(torch.nn.Identity(), 3)
