"""Joint distribution adaptation against scipy and against its purpose."""

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.neighbors import KNeighborsClassifier

from da.data.domain import Images, LabeledImages
from da.methods.jda import JDA
from da.models.backbone import Features
from tests.conftest import normal

N, M, D, K = 60, 45, 8, 3


def domains(*, shift: float = 1.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Three classes that move apart in the target, on average by nothing."""
    y_s, y_t = torch.arange(N) % K, torch.arange(M) % K
    centers, moves = 2 * normal(K, D, seed=5), normal(K, D, seed=6)
    f_s = centers[y_s] + normal(N, D)
    f_t = centers[y_t] + shift * (moves - moves.mean(0))[y_t] + normal(M, D, seed=1)
    return f_s.float(), y_s, f_t.float(), y_t


def found(f_s: torch.Tensor, y_s: torch.Tensor, f_t: torch.Tensor, **hp) -> JDA:
    m = JDA.Hparams(**hp).build(Features(D), K)
    m.find_by_class(f_s, y_s, f_t)
    return m


def sides(x: np.ndarray, y_s: np.ndarray, y_t: np.ndarray | None, ridge: float):
    """Both matrices of the eigenproblem, class by class; X has an image a row here."""
    e = np.concatenate([np.full(N, 1 / N), np.full(M, -1 / M)])
    mmd = K * np.outer(e, e)
    for c in range(K if y_t is not None else 0):
        e = np.zeros(N + M)
        e[:N][y_s == c] = 1 / (y_s == c).sum()
        if (y_t == c).any():
            e[N:][y_t == c] = -1 / (y_t == c).sum()
            mmd += np.outer(e, e)
    h = np.eye(N + M) - 1 / (N + M)
    return x.T @ (mmd / np.linalg.norm(mmd)) @ x + ridge * np.eye(D), x.T @ h @ x


def by_hand(f_s, y_s, f_t, *, dimensions: int, ridge: float, iterations: int) -> np.ndarray:
    """The map, by scipy's solver for dense matrices and scikit-learn's nearest neighbor."""
    x = torch.cat([f_s, f_t]).double().numpy()
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y_t = None
    for _ in range(iterations):
        _, a = scipy.linalg.eigh(*sides(x, y_s.numpy(), y_t, ridge))
        z = x @ a[:, :dimensions]
        z /= np.linalg.norm(z, axis=1)[:, None]
        y_t = KNeighborsClassifier(1).fit(z[:N], y_s).predict(z[N:])
    return a[:, :dimensions]


@pytest.mark.parametrize("ridge", [0.1, 1.0])
@pytest.mark.parametrize("iterations", [1, 2, 10])
def test_map_equals_scipy(iterations, ridge):
    f_s, y_s, f_t, _ = domains()
    hp = {"dimensions": 3, "ridge": ridge, "iterations": iterations}
    ours = found(f_s, y_s, f_t, **hp).weights.numpy() / (N + M) ** 0.5
    expected = by_hand(f_s, y_s, f_t, **hp)
    sign = np.sign((expected * ours).sum(0))
    np.testing.assert_allclose(ours, sign * expected, rtol=1e-3, atol=1e-3 * np.abs(ours).max())


def test_directions_have_variance_1_and_are_uncorrelated():
    f_s, y_s, f_t, _ = domains()
    m = found(f_s, y_s, f_t, dimensions=4)
    z = torch.nn.functional.normalize(torch.cat([f_s, f_t])) @ m.weights
    z = z - z.mean(0)
    torch.testing.assert_close(z.mT @ z / len(z), torch.eye(4), rtol=0, atol=1e-3)


def test_projected_images_have_one_length_from_the_origin():
    """Z = A'X of the authors has its mean, and each image is divided by its norm."""
    f_s, y_s, f_t, _ = domains()
    m = found(f_s, y_s, f_t, dimensions=4)
    z = (f_s / f_s.norm(dim=1, keepdim=True)) @ m.weights
    expected = 2 * z / z.norm(dim=1, keepdim=True)
    torch.testing.assert_close(m.map_source(f_s), expected)
    torch.testing.assert_close(m.map_target(f_s), expected)


def test_its_last_labels_are_those_of_the_nearest_neighbor():
    f_s, y_s, f_t, _ = domains()
    hp = {"dimensions": 3, "ridge": 0.1, "iterations": 3}
    a = by_hand(f_s, y_s, f_t, **hp)
    z_s, z_t = (x / np.linalg.norm(x, axis=1)[:, None] for x in (f_s.numpy() @ a, f_t.numpy() @ a))
    expected = KNeighborsClassifier(1).fit(z_s, y_s).predict(z_t).tolist()
    m = JDA.Hparams(classifier="nearest", **hp).build(Features(D), K)
    m.prepare(LabeledImages(f_s, torch.arange(N), y_s), Images(f_t, torch.arange(M)))
    ours = m.predict(m.map_target(f_t)).argmax(1)
    assert ours.tolist() == expected


def gap(m: JDA, f_s, y_s, f_t, y_t) -> float:
    """Mean distance of the centers of true classes."""
    z_s, z_t = m.map_source(f_s), m.map_target(f_t)
    gaps = [z_s[y_s == c].mean(0) - z_t[y_t == c].mean(0) for c in range(K)]
    return torch.stack(gaps).norm(dim=1).mean().item()


def test_classes_of_the_domains_meet():
    data = domains()
    hp = {"dimensions": 2, "ridge": 0.01}
    alone, joint = (gap(found(*data[:3], iterations=i, **hp), *data) for i in (1, 10))
    assert joint < 0.6 * alone


def test_a_large_ridge_leaves_the_gap():
    data = domains()
    small, large = (gap(found(*data[:3], dimensions=2, ridge=r), *data) for r in (0.01, 1e4))
    assert small < 0.6 * large


def test_a_class_that_no_target_image_gets_is_left_out():
    _, y_s, _, y_t = domains()
    contrasts = JDA.Hparams().build(Features(D), K)._contrasts(y_s, torch.where(y_t == 2, 0, y_t))
    assert not contrasts[:, 3].any()
    assert (contrasts[:, :3] != 0).any(0).all()
    class_size, domain_size = contrasts[:20, 1].abs().max() * 20, contrasts[:, 0].abs().max() * 45
    torch.testing.assert_close(domain_size / class_size, torch.tensor(3.0).sqrt())
    torch.testing.assert_close(contrasts.sum(0), torch.zeros(4), rtol=0, atol=1e-6)


def test_it_ends_where_no_class_changes(monkeypatch):
    from da.methods import jda

    solve, solved = jda.transfer_components, []
    monkeypatch.setattr(
        jda, "transfer_components", lambda *a, **k: solved.append(1) or solve(*a, **k)
    )
    f_s, y_s, _, _ = domains()
    m = JDA.Hparams(dimensions=3, iterations=50).build(Features(D), K)
    m.find_by_class(f_s, y_s, f_s)
    assert len(solved) == 2


def test_too_few_images_are_refused():
    m = JDA.Hparams(dimensions=8).build(Features(D), K)
    with pytest.raises(ValueError, match=r"dimensions 8 .* 8 images"):
        m.find_by_class(torch.randn(4, D), torch.arange(4) % K, torch.randn(4, D))
