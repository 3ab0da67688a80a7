"""Closed-form maps against independent implementations, and each domain through its own map."""

import numpy as np
import pytest
import torch
from scipy.linalg import fractional_matrix_power
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from conftest import points
from da import domains, evaluate
from da.backbones import Features
from da.batch import Batch, Labeled, Unlabeled
from da.domains import Task
from da.functional import covariance
from da.methods import METHODS
from da.methods.coral_map import CORALMap
from da.methods.mapping import Mapping
from da.methods.subspace_alignment import SubspaceAlignment
from da.trainer import train_step

MAPPINGS = [kind for kind in METHODS.values() if issubclass(kind, Mapping)]
each_mapping = pytest.mark.parametrize("kind", MAPPINGS, ids=lambda kind: kind.name)


def toy(n: int = 400, *, scale: float = 1.0, shift: float = 0.0) -> Task:
    """Two domains of 6 correlated features, each in its way; half of the n points train."""
    g = torch.Generator().manual_seed(0)
    x_s, x_t = (torch.randn(n, 6, generator=g) @ torch.randn(6, 6, generator=g) for _ in "st")
    stretch = scale ** torch.arange(6)
    y = torch.arange(n) % 2
    return domains.build(
        "moons:0-1", points(x_s + 2, y), points(stretch * (x_t - 3) + shift * stretch, y)
    )


def prepared(kind: type[Mapping], task: Task, **hp) -> Mapping:
    torch.manual_seed(0)
    m = kind.Hparams(**hp).build(Features(6), 2)
    m.prepare(task.source_train, task.target_train)
    return m


def images(task: Task) -> tuple[torch.Tensor, torch.Tensor]:
    every = torch.arange(len(task.source_train))
    return task.source_train.take(every), task.target_train.take(every)


def standardised(x: torch.Tensor) -> np.ndarray:
    """Unit variance in the unbiased sense."""
    return StandardScaler().fit_transform(x.double()) * np.sqrt(1 - 1 / len(x))


def close(ours: torch.Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("ridge", [0.1, 1.0])
def test_coral_map_equals_scipy(ridge):
    task = toy()
    m = prepared(CORALMap, task, ridge=ridge)
    x_s, x_t = images(task)
    z_s, z_t = standardised(x_s), standardised(x_t)
    c_s, c_t = (np.cov(z, rowvar=False) + ridge * np.eye(6) for z in (z_s, z_t))
    expected = z_s @ fractional_matrix_power(c_s, -0.5) @ fractional_matrix_power(c_t, 0.5)
    close(m.embed_source(x_s), expected)
    close(m.embed(x_t), z_t)


def test_coral_map_carries_one_ridged_covariance_to_the_other():
    m = prepared(CORALMap, toy())
    z_s, z_t = (torch.randn(50, 6) @ torch.randn(6, 6) for _ in "st")
    a, identity = m.maps(z_s, z_t)
    ridge = torch.eye(6)
    torch.testing.assert_close(
        a.mT @ (covariance(z_s) + ridge) @ a, covariance(z_t) + ridge, rtol=1e-3, atol=1e-3
    )
    assert identity.equal(torch.eye(6))


def test_coral_map_without_ridge_makes_covariances_equal():
    task = toy()
    m = prepared(CORALMap, task, ridge=1e-6)
    x_s, x_t = images(task)
    mapped, target = covariance(m.embed_source(x_s)), covariance(m.embed(x_t))
    torch.testing.assert_close(mapped, target, rtol=1e-3, atol=1e-3)
    # They were not equal before: the source is no copy of the target.
    assert not np.allclose(np.cov(standardised(x_s), rowvar=False), target, atol=0.2)


@pytest.mark.parametrize("dimensions", [1, 3, 6])
def test_subspace_alignment_equals_pca_of_scikit_learn(dimensions):
    task = toy()
    m = prepared(SubspaceAlignment, task, dimensions=dimensions)
    x_s, x_t = images(task)
    z_s, z_t = standardised(x_s), standardised(x_t)
    p_s, p_t = (PCA(dimensions).fit(z).components_.T for z in (z_s, z_t))
    projected = z_t @ p_t
    sign = np.sign((m.embed(x_t).numpy() * projected).sum(0))  # a direction has no sign
    close(m.embed(x_t), sign * projected)
    close(m.embed_source(x_s), sign * (z_s @ p_s @ p_s.T @ p_t))


@pytest.mark.parametrize(("dimensions", "kept"), [(64, 6), (2, 2)])
def test_subspace_alignment_keeps_no_more_directions_than_there_are(dimensions, kept):
    m = prepared(SubspaceAlignment, toy(), dimensions=dimensions)
    assert m.embed(torch.zeros(1, 6)).shape == m.embed_source(torch.zeros(1, 6)).shape == (1, kept)


def test_subspace_alignment_needs_more_images_than_dimensions():
    with pytest.raises(ValueError, match=r"dimensions 4 .* 4 images"):
        prepared(SubspaceAlignment, toy(8), dimensions=4)
    prepared(SubspaceAlignment, toy(8), dimensions=3)


@each_mapping
def test_means_vanish(kind):
    task = toy()
    m = prepared(kind, task)
    x_s, x_t = images(task)
    for mapped in (m.embed_source(x_s), m.embed(x_t)):
        torch.testing.assert_close(mapped.mean(0), torch.zeros(6), rtol=0, atol=1e-4)


@each_mapping
def test_units_and_origin_of_target_features_do_not_matter(kind):
    plain, other = toy(), toy(scale=3.0, shift=7.0)
    m, n = prepared(kind, plain), prepared(kind, other)
    (x_s, x_t), (_, y_t) = images(plain), images(other)
    torch.testing.assert_close(m.embed(x_t), n.embed(y_t), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(m.embed_source(x_s), n.embed_source(x_s), rtol=1e-3, atol=1e-3)


@each_mapping
def test_each_domain_is_predicted_through_its_own_map(kind):
    task = toy(scale=3.0)
    m = prepared(kind, task)
    x_s, x_t = images(task)
    for domain, predict, x in (("source", m.predict_source, x_s), ("target", m.predict, x_t)):
        mean, matrix = (m.get_buffer(f"{domain}_{part}") for part in ("mean", "map"))
        close(predict(x), m.head((x - mean) @ matrix).detach().numpy())
        close(mean, x.mean(0).numpy())
    assert not torch.allclose(m.predict(x_t), m.predict_source(x_t), atol=0.1)
    seen, test = evaluate.predict(m, task), task.target_test
    close(seen.target_logits, m.predict(test.take(torch.arange(len(test)))).detach().numpy())


@each_mapping
def test_training_looks_at_the_source_and_moves_the_head_alone(kind):
    task = toy()
    m = prepared(kind, task)
    before = {name: value.clone() for name, value in m.state_dict().items()}
    x_s, x_t = images(task)
    batch = Batch(
        Labeled(x_s, task.source_train.y),
        Unlabeled(torch.full_like(x_t, torch.nan), torch.arange(len(x_t))),
    )
    losses = train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.5)
    expected = torch.nn.functional.cross_entropy(
        m.embed_source(x_s) @ before["head.0.weight"].T + before["head.0.bias"], batch.source.y
    )
    torch.testing.assert_close(losses, {"task": expected})
    same = {name for name, value in m.state_dict().items() if value.equal(before[name])}
    assert same == before.keys() - {"head.0.weight", "head.0.bias"}
