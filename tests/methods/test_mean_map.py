"""Mean and spread of features, aligned."""

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler

from da.methods.mean_map import MeanMap
from da.models.backbone import Features
from tests.conftest import normal


def found(f_s: torch.Tensor, f_t: torch.Tensor, **hp) -> MeanMap:
    m = MeanMap.Hparams(**hp).build(Features(f_s.shape[1]), 2)
    m.find(f_s, f_t)
    return m


def test_each_domain_is_standardized_as_by_scikit_learn():
    f_s, f_t = 4 * normal(40, 3).float() + 1, 0.1 * normal(30, 3, seed=1).float() - 2
    m = found(f_s, f_t, standardize=True)
    for f, ours in ((f_s, m.map_source(f_s)), (f_t, m.map_target(f_t))):
        expected = StandardScaler().fit_transform(f) * np.sqrt(1 - 1 / len(f))
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


def test_a_shift_and_a_stretch_of_each_feature_are_undone():
    f = normal(50, 3).float()
    m = found(f * torch.tensor([0.2, 1.0, 5.0]) + torch.tensor([3.0, 0.0, -1.0]), f)
    moved = m.map_source(f * torch.tensor([0.2, 1.0, 5.0]) + torch.tensor([3.0, 0.0, -1.0]))
    torch.testing.assert_close(moved, m.map_target(f), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(moved, f - f.mean(0), rtol=1e-4, atol=1e-4)


def test_a_feature_that_never_varies_does_no_harm():
    f = normal(20, 3).float()
    f[:, 1] = 7.0
    m = found(f, f)
    assert m.map_source(f).isfinite().all()
    assert not m.map_target(f)[:, 1].any()
