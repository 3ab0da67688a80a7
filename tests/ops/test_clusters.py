import pytest
import torch
import torch.nn.functional as F

from da.ops.clusters import kmeans, mutual_information, spherical_kmeans


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


def test_kmeans_is_that_of_scikit_learn():
    cluster = pytest.importorskip("sklearn.cluster")
    torch.manual_seed(0)
    x, first = 50 + torch.randn(200, 6), 50 + torch.randn(5, 6)
    wanted = cluster.KMeans(5, init=first.numpy(), n_init=1, tol=0).fit(x.numpy()).labels_
    assert kmeans(x, first).tolist() == wanted.tolist()


def test_a_center_that_loses_its_rows_stays():
    x = torch.tensor([[0.0, 0], [0, 1], [9, 0], [9, 1]])
    assert kmeans(x, torch.tensor([[1.0, 0], [8, 0], [0, 99]])).tolist() == [0, 0, 1, 1]
