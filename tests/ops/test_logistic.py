import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from da.ops.logistic import fit_logistic


def rows(n=80, d=6, scale=1.0):
    g = torch.Generator().manual_seed(0)
    x = 3 + scale * torch.randn(n, d, generator=g).double()
    return x, (x[:, 0] + scale * torch.randn(n, generator=g) > 3).double()


@pytest.mark.parametrize(("strength", "scale"), [(1.0, 1.0), (0.01, 1.0), (5.0, 0.1), (1e-4, 1.0)])
def test_equals_scikit_learn(strength, scale):
    x, y = rows(scale=scale)
    theirs = LogisticRegression(C=1 / strength, solver="newton-cholesky", tol=1e-10).fit(
        x.numpy(), y.numpy()
    )
    expected = np.append(theirs.coef_[0], theirs.intercept_)
    assert fit_logistic(x, y, strength).numpy() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_more_features_than_rows_and_rows_that_are_all_alike():
    x, y = rows(20, 50)
    theirs = LogisticRegression(C=1, solver="newton-cholesky", tol=1e-10).fit(x.numpy(), y.numpy())
    assert fit_logistic(x, y, 1.0)[:-1].numpy() == pytest.approx(theirs.coef_[0], abs=1e-5)
    flat = fit_logistic(torch.zeros(20, 3), (torch.arange(20) < 5).double(), 1.0)
    assert flat.numpy() == pytest.approx([0, 0, 0, -np.log(3)], abs=1e-5)
