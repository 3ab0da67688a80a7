import pytest
import torch
import torch.nn.functional as F

from da.ops.clusters import mutual_information, spherical_kmeans


def test_separate_groups_are_found():
    torch.manual_seed(0)
    y = torch.arange(90) % 3
    x = F.normalize(F.one_hot(y, 5).float() + 0.1 * torch.randn(90, 5))
    found = spherical_kmeans(x, 3)
    assert mutual_information(found, y) == pytest.approx(1)
    assert spherical_kmeans(x, 3).equal(found)


def test_agreement_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    torch.manual_seed(0)
    for groups in (1, 2, 7):
        a, b = torch.randint(groups, (50,)), torch.randint(3, (50,))
        wanted = metrics.normalized_mutual_info_score(a, b)
        assert mutual_information(a, b) == pytest.approx(wanted)
