"""Selectors that need target features."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from da.config.registry import SELECTORS
from da.evaluation.predictions import Predictions
from da.evaluation.selectors._features import class_clusters, sample_rows
from da.evaluation.selectors.transfer_score import hopkins, unevenness

class_ami, class_ss, rankme, transfer_score = (
    SELECTORS[name] for name in ("class_ami", "class_ss", "rankme", "transfer_score")
)


def seen(m: int = 90, noise: float = 1.0, wrong: float = 0.0, k: int = 3) -> Predictions:
    """Features of `k` clusters, which a share of predictions respects not."""
    g = torch.Generator().manual_seed(0)
    y = torch.arange(m) % k
    f = 3 + 3 * torch.eye(k, 8)[y] + noise * torch.randn(m, 8, generator=g)
    said = torch.where(torch.rand(m, generator=g) < wrong, (y + 1) % k, y)
    logits = 5.0 * torch.eye(k)[said]
    return Predictions(logits, y, logits, f, f, head_weight=torch.eye(k, 8))


def collapsed(p: Predictions) -> Predictions:
    return replace(p, target_logits=5.0 * torch.eye(3)[torch.zeros(90, dtype=torch.int64)])


def test_class_ami_prefers_predictions_that_respect_clusters():
    scores = [class_ami(seen(wrong=share)) for share in (0.5, 0.3, 0.1, 0.0)]
    assert scores == sorted(set(scores))
    assert class_ami(collapsed(seen())) == 0


def test_class_ss_prefers_dense_clusters():
    scores = [class_ss(seen(noise=noise)) for noise in (3.0, 1.0, 0.3, 0.01)]
    assert scores == sorted(set(scores))
    assert scores[-1] > 0.99


def test_class_ss_of_a_single_predicted_class_is_the_worst_though_there_are_clusters():
    p, f = seen(noise=0.1), seen(noise=0.1).target_features
    p = collapsed(replace(p, target_features=f - f.mean(0) + torch.eye(8)[0]))
    assert len(class_clusters(p).unique()) == 2
    assert class_ss(p) == -1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["class_ami", "class_ss"])
@pytest.mark.parametrize("noise", [0.5, 3.0])
def test_clusters_are_those_of_pytorch_adapt(peer, name, noise):
    from sklearn.metrics import silhouette_score

    more = {"score_fn": silhouette_score, "score_fn_type": "features"}
    theirs = peer.ClassClusterValidator(
        centroid_init="label_centers", **more if name == "class_ss" else {}
    )
    p = seen(noise=noise, wrong=0.3)
    given = {"features": p.target_features, "logits": p.target_logits}
    wanted = theirs(target_train=given | {"preds": p.target_logits.softmax(1)})
    assert SELECTORS[name](p) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize(("m", "d"), [(90, 8), (5, 8)])
def test_rankme_by_hand(m, d):
    f = seen(m).target_features
    values = np.linalg.svd(f.double().numpy(), compute_uv=False)
    p = values / values.sum() + 1e-7
    wanted = math.exp(-(p * np.log(p)).sum())
    assert rankme(seen(m)) == pytest.approx(wanted, rel=1e-6)


def test_rankme_counts_directions():
    p = seen()
    alike = normalize(torch.randn(90, 8, generator=torch.Generator().manual_seed(0)), dim=0)
    one = torch.arange(90.0)[:, None] * torch.ones(8)
    found = [rankme(replace(p, target_features=f)) for f in (torch.linalg.qr(alike).Q, one)]
    assert found == pytest.approx([8, 1], rel=1e-3)


def test_transfer_score_is_the_sum_of_its_parts():
    """Of certain and even predictions the information is the most, 1."""
    p = replace(seen(), target_logits=20 * seen().target_logits)
    wanted = hopkins(p.target_features) + 1 - unevenness(p.head_weight)
    assert transfer_score(p) == pytest.approx(wanted, abs=1e-5)


def test_hopkins_by_hand():
    neighbors = pytest.importorskip("sklearn.neighbors")
    f = seen().target_features
    low, high = f.amin(0), f.amax(0)
    drawn = low + (high - low) * torch.rand(90, 8, generator=torch.Generator().manual_seed(0))
    near = neighbors.NearestNeighbors(n_neighbors=2).fit(f.numpy())
    u = near.kneighbors(drawn.numpy())[0][:, 0].sum()
    w = near.kneighbors(f.numpy())[0][:, 1].sum()
    assert hopkins(f) == pytest.approx(u / (u + w), rel=1e-5)


def test_hopkins_is_a_half_without_clusters_1_with_tight_ones_and_0_with_a_point():
    g = torch.Generator().manual_seed(1)
    assert hopkins(torch.rand(500, 2, generator=g)) == pytest.approx(0.5, abs=0.05)
    assert hopkins(seen(noise=0.001).target_features) > 0.99
    assert hopkins(torch.ones(5, 3)) == 0


def test_unevenness_is_that_of_angles():
    """Of classes at right angles, and of a simplex, whose corners are as far apart as can be."""
    right = (math.pi / 2 - math.acos(-1 / 2)) ** 2
    assert unevenness(torch.eye(3)) == pytest.approx(right, rel=1e-5)
    assert unevenness(torch.eye(3) - 1 / 3) == pytest.approx(0, abs=1e-5)
    assert unevenness(torch.ones(3, 2)) == pytest.approx(math.acos(-1 / 2) ** 2, rel=1e-2)


def test_a_sample_is_even():
    assert sample_rows(3).tolist() == [0, 1, 2]
    assert sample_rows(9, 5).tolist() == [0, 2, 4, 6, 8]
    assert len(sample_rows(2001).unique()) == 2000
