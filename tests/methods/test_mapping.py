"""Closed-form maps against independent implementations, and each domain through its own map."""

from dataclasses import replace
from typing import get_type_hints

import numpy as np
import pytest
import torch
from scipy.linalg import fractional_matrix_power
from sklearn.covariance import ledoit_wolf, shrunk_covariance
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from da.data import tasks
from da.data.batch import Batch, Labeled, Unlabeled
from da.data.domain import Domain, Task
from da.evaluation import predictions
from da.methods import METHODS
from da.methods._linear_mapping import LinearMapping
from da.methods._mapping import Mapping
from da.methods.coral_map import CORALMap
from da.methods.sinkhorn_map import SinkhornMap
from da.methods.subspace_alignment import SubspaceAlignment
from da.models.backbone import Features
from da.ops.linalg import (
    covariance,
    covariance_power,
    principal_directions,
    squared_distances,
)
from da.system.threads import one_thread
from da.training.engine import train_step
from da.training.setup import prepare_task
from tests.conftest import THREADS, points
from tests.contracts.test_golden import ROUNDING, first_losses

MAPPINGS = [
    kind for kind in METHODS.values() if issubclass(kind, Mapping) and kind.family != "peer"
]
each_mapping = pytest.mark.parametrize("kind", MAPPINGS, ids=lambda kind: kind.name)
LINEAR = [kind for kind in MAPPINGS if issubclass(kind, LinearMapping)]
each_linear = pytest.mark.parametrize("kind", LINEAR, ids=lambda kind: kind.name)


def toy(n: int = 400, *, scale: float = 1.0, shift: float = 0.0) -> tuple[Domain, Domain]:
    """Two domains of 6 correlated features, each in its way; half of the n points train."""
    g = torch.Generator().manual_seed(0)
    x_s, x_t = (torch.randn(n, 6, generator=g) @ torch.randn(6, 6, generator=g) for _ in "st")
    stretch = scale ** torch.arange(6)
    y = torch.arange(n) % 2
    return points(x_s + 2, y), points(stretch * (x_t - 3) + shift * stretch, y)


def prepared(kind: type[Mapping], pair: tuple[Domain, Domain], **hp) -> tuple[Mapping, Task]:
    """The method, and the task as it sees it."""
    torch.manual_seed(0)
    m = kind.Hparams(**hp).build(Features(6), 2)
    return m, prepare_task(m, tasks.build_task("moons:0-1", *pair))


def images(task: Task) -> tuple[torch.Tensor, torch.Tensor]:
    """Source and target training images."""
    every = torch.arange(len(task.source_train))
    return task.source_train.take(every), task.target_train.take(every)


def plain(pair: tuple[Domain, Domain]) -> tuple[torch.Tensor, torch.Tensor]:
    return images(tasks.build_task("moons:0-1", *pair))


def standardized(x: torch.Tensor) -> np.ndarray:
    """Unit variance in the unbiased sense."""
    return StandardScaler().fit_transform(x.double()) * np.sqrt(1 - 1 / len(x))


def close(ours: torch.Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("n", [400, 10])
@pytest.mark.parametrize("ridge", [0.1, 1.0])
def test_coral_map_equals_scipy(ridge, n):
    _, task = prepared(CORALMap, toy(n), ridge=ridge, standardize=True)
    x_s, x_t = plain(toy(n))
    z_s, z_t = standardized(x_s), standardized(x_t)
    c_s, c_t = (np.cov(z, rowvar=False) + ridge * np.eye(6) for z in (z_s, z_t))
    expected = z_s @ fractional_matrix_power(c_s, -0.5) @ fractional_matrix_power(c_t, 0.5)
    mapped, target = images(task)
    close(mapped, expected)
    close(target, z_t)


def test_coral_map_carries_one_ridged_covariance_to_the_other():
    m, _ = prepared(CORALMap, toy())
    z_s, z_t = (torch.randn(50, 6) @ torch.randn(6, 6) for _ in "st")
    z_s, z_t = z_s - z_s.mean(0), z_t - z_t.mean(0)
    a, nothing = m.maps(z_s, z_t)
    c_s, c_t = (c + c.trace() / 6 * torch.eye(6) for c in map(covariance, (z_s, z_t)))
    torch.testing.assert_close(a.mT @ c_s @ a, c_t, rtol=1e-3, atol=1e-3)
    assert nothing is None


def test_coral_map_without_ridge_makes_covariances_equal():
    _, task = prepared(CORALMap, toy(), ridge=1e-6)
    x_s, _ = plain(toy())
    mapped, target = (covariance(x) for x in images(task))
    torch.testing.assert_close(mapped, target, rtol=1e-3, atol=1e-3)
    # They were not equal before: the source is no copy of the target.
    assert not np.allclose(np.cov(x_s, rowvar=False), target, atol=0.2)


@pytest.mark.parametrize("n", [400, 10])
@pytest.mark.parametrize("shrinkage", ["ridge", "ledoit_wolf"])
def test_covariances_are_shrunk_as_by_scikit_learn(shrinkage, n):
    _, task = prepared(CORALMap, toy(n), shrinkage=shrinkage)
    centered = [(x - x.mean(0)).double().numpy() for x in plain(toy(n))]
    if shrinkage == "ridge":
        c_s, c_t = (shrunk_covariance(np.cov(z, rowvar=False), 0.5) for z in centered)
    else:
        c_s, c_t = (ledoit_wolf(z)[0] * len(z) / (len(z) - 1) for z in centered)
    expected = centered[0] @ fractional_matrix_power(c_s, -0.5) @ fractional_matrix_power(c_t, 0.5)
    mapped, target = images(task)
    close(mapped, expected)
    close(target, centered[1])


def test_a_ridge_that_is_not_used_is_refused():
    with pytest.raises(ValueError, match="ledoit_wolf uses no ridge, known: ridge 1"):
        CORALMap.Hparams(shrinkage="ledoit_wolf", ridge=2.0)


OF_BEFORE = {
    CORALMap: (1.040141, 0.9634852, 1.055009),
    SubspaceAlignment: (1.35156, 1.087019, 1.064577),
}


@pytest.mark.parametrize("kind", OF_BEFORE, ids=lambda kind: kind.name)
def test_trained_and_standardized_losses_are_those_of_before(kind):
    """Records of earlier versions stay valid: the golden losses of these."""
    found = first_losses(kind.name, classifier="trained", standardize=True)
    assert [losses["task"] for losses in found] == pytest.approx(OF_BEFORE[kind], **ROUNDING)


@pytest.mark.parametrize("dimensions", [1, 3, 6])
def test_subspace_alignment_equals_pca_of_scikit_learn(dimensions):
    hp = {"dimensions": dimensions, "standardize": True}
    mapped, target = images(prepared(SubspaceAlignment, toy(), **hp)[1])
    z_s, z_t = map(standardized, plain(toy()))
    p_s, p_t = (PCA(dimensions).fit(z).components_.T for z in (z_s, z_t))
    projected = z_t @ p_t
    sign = np.sign((target.numpy() * projected).sum(0))  # a direction has no sign
    close(target, sign * projected)
    close(mapped, sign * (z_s @ p_s @ p_s.T @ p_t))


def test_few_of_many_directions_equal_pca_too():
    g = torch.Generator().manual_seed(0)
    stretch = torch.tensor([9.0, 7.0, 5.0, 3.0] + [1.0] * 28)
    z = (torch.randn(200, 32, generator=g) * stretch) @ torch.randn(32, 32, generator=g)
    z -= z.mean(0)
    m = SubspaceAlignment.Hparams(dimensions=3).build(Features(32), 2)
    directions = m.maps(z, z)[1]
    overlap = PCA(3).fit(z.double()).components_ @ directions.numpy()
    np.testing.assert_allclose(np.abs(overlap), np.eye(3), atol=1e-4)


@pytest.mark.parametrize(("dimensions", "kept"), [(64, 6), (2, 2)])
def test_subspace_alignment_keeps_no_more_directions_than_there_are(dimensions, kept):
    mapped, target = images(prepared(SubspaceAlignment, toy(), dimensions=dimensions)[1])
    assert mapped.shape == target.shape == (200, kept)


def test_subspace_alignment_needs_more_images_than_dimensions():
    with pytest.raises(ValueError, match=r"dimensions 4 .* 4 images"):
        prepared(SubspaceAlignment, toy(8), dimensions=4)
    prepared(SubspaceAlignment, toy(8), dimensions=3)


@each_linear
def test_means_vanish(kind):
    for mapped in images(prepared(kind, toy())[1]):
        assert mapped.mean(0).abs().max() < 1e-4


@each_linear
def test_units_and_origin_of_standardized_target_features_do_not_matter(kind):
    pairs = toy(), toy(scale=3.0, shift=7.0)
    one, other = (images(prepared(kind, pair, standardize=True)[1]) for pair in pairs)
    # By inner products, which decide what a linear head can learn: a direction has no sign.
    (one_s, one_t), (other_s, other_t) = one, other
    torch.testing.assert_close(one_s @ one_t.T, other_s @ other_t.T, rtol=1e-3, atol=1e-3)


@each_mapping
def test_each_domain_is_mapped_once_by_its_own_map(kind):
    pair = toy(scale=3.0)
    m, task = prepared(kind, pair)
    for mapped, image in (
        (m.map_source(pair[0].x), task.source_test),
        (m.map_target(pair[1].x), task.target_test),
    ):
        assert image.x.equal(mapped)
    x = task.source_test.x
    assert m.embed(x).equal(x)
    assert m.embed_source(x).equal(x)
    seen = predictions.predict(m, task)
    expected = m.head(task.target_test.x[task.target_test.rows])
    torch.testing.assert_close(seen.target_logits, expected.detach())


@each_mapping
def test_a_new_image_goes_where_it_would_among_all(kind):
    pair = toy()
    m, task = prepared(kind, pair)
    for function, domain, images in (
        (m.map_source, pair[0], task.source_test),
        (m.map_target, pair[1], task.target_test),
    ):
        alone = function(domain.x[-1:])
        torch.testing.assert_close(alone, images.x[-1:], rtol=1e-3, atol=1e-4)


@each_mapping
def test_every_view_is_mapped_and_the_plain_one_decides(kind):
    pair = toy()
    views = tuple(replace(d, x=torch.stack([d.x, d.x + 1], 1)) for d in pair)
    (m, one), (_, many) = prepared(kind, pair), prepared(kind, views)
    torch.testing.assert_close(many.source_train.x[:, 0], one.source_train.x, rtol=1e-4, atol=1e-4)
    other = m.map_target(pair[1].x + 1)
    torch.testing.assert_close(many.target_train.x[:, 1], other, rtol=1e-3, atol=1e-3)


@each_mapping
def test_maps_survive_a_checkpoint(kind):
    pair = toy()
    m, _ = prepared(kind, pair)
    fresh, _ = prepared(kind, toy(80, scale=2.0))
    for other in (fresh, kind.Hparams().build(Features(6), 2)):
        other.load_state_dict(m.state_dict())
        assert other.map_source(pair[0].x).equal(m.map_source(pair[0].x))
        assert other.map_target(pair[1].x).equal(m.map_target(pair[1].x))


def test_other_weights_are_still_refused():
    m = SinkhornMap.Hparams().build(Features(6), 2)
    with pytest.raises(RuntimeError, match="size mismatch"):
        m.load_state_dict(SinkhornMap.Hparams().build(Features(6), 3).state_dict())


@each_mapping
def test_training_looks_at_the_source_and_moves_the_head_alone(kind):
    m, task = prepared(kind, toy(), classifier="trained")
    before = {name: value.clone() for name, value in m.state_dict().items()}
    x_s, x_t = images(task)
    batch = Batch(
        Labeled(x_s, task.source_train.y),
        Unlabeled(torch.full_like(x_t, torch.nan), torch.arange(len(x_t))),
    )
    losses = train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.5)
    expected = torch.nn.functional.cross_entropy(
        x_s @ before["head.0.weight"].T + before["head.0.bias"], batch.source.y
    )
    torch.testing.assert_close(losses, {"task": expected})
    same = {name for name, value in m.state_dict().items() if value.equal(before[name])}
    assert same == before.keys() - {"head.0.weight", "head.0.bias"}


@each_mapping
def test_only_settings_of_the_maps_may_differ_in_a_group(kind):
    floats = {name for name, type_ in get_type_hints(kind.Hparams).items() if type_ is float}
    assert set(kind.batchable) == floats - {"strength"}


@pytest.mark.parametrize("b", [30, 5])
def test_powers_of_many_covariances_equal_one_by_one(b):
    g = torch.Generator().manual_seed(0)
    f = torch.randn(3, b, 8, generator=g)
    many = covariance_power(f, -0.5, ridge=0.3)
    for one, rows in zip(many, f, strict=True):
        torch.testing.assert_close(one, covariance_power(rows, -0.5, ridge=0.3))
        expected = fractional_matrix_power(np.cov(rows, rowvar=False) + 0.3 * np.eye(8), -0.5)
        close(one, expected)


def test_squared_distances_equal_a_loop_far_from_the_origin():
    g = torch.Generator().manual_seed(0)
    x, y = 1000 + torch.randn(2, 7, 3, generator=g), 1000 + torch.randn(2, 5, 3, generator=g)
    expected = (x[:, :, None].double() - y[:, None].double()).square().sum(-1).float()
    torch.testing.assert_close(squared_distances(x, y), expected, rtol=1e-4, atol=1e-4)


def test_one_thread_ends_where_it_began():
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with pytest.raises(KeyError), one_thread():
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(THREADS)


def test_principal_directions_of_fewer_images_than_features_equal_pca():
    z = torch.randn(20, 50, generator=torch.Generator().manual_seed(0))
    overlap = PCA(7).fit(z.double()).components_ @ principal_directions(z, 7).double().numpy()
    np.testing.assert_allclose(np.abs(overlap), np.eye(7), atol=1e-5)
