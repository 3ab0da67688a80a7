import math

import pytest
import torch

from da.ops.cluster_scores import adjusted_mutual_information, silhouette

metrics = pytest.importorskip("sklearn.metrics")


@pytest.mark.parametrize("groups", [2, 5, 40])
def test_silhouette_is_that_of_scikit_learn(groups):
    """Of 60 rows in 40 groups, some are alone; far from the origin, digits are lost."""
    torch.manual_seed(groups)
    y = torch.randint(groups, (60,))
    x = 1000 + torch.randn(60, 8) + y[:, None]
    wanted = metrics.silhouette_score(x.double().numpy(), y.numpy())
    assert silhouette(x, y) == pytest.approx(wanted, abs=1e-4)


def test_silhouette_of_one_group_is_none():
    assert math.isnan(silhouette(torch.randn(5, 2), torch.zeros(5).long()))


@pytest.mark.parametrize(
    ("n", "p", "q"), [(50, 2, 3), (50, 1, 3), (50, 1, 1), (9, 7, 7), (500, 12, 4)]
)
def test_agreement_beyond_chance_is_that_of_scikit_learn(n, p, q):
    torch.manual_seed(n)
    a, b = torch.randint(p, (n,)), torch.randint(q, (n,))
    for other in (a, b, a + 3 * (b == 0)):
        wanted = metrics.adjusted_mutual_info_score(a, other)
        assert adjusted_mutual_information(a, other) == pytest.approx(wanted, abs=1e-8)


def test_groups_of_one_row_each_agree_fully():
    y = torch.arange(6)
    assert adjusted_mutual_information(y, y.flip(0)) == 1
