"""Classifiers of mappings that are fitted when images are shown, and need no steps."""

import json

import pytest
import torch
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

import da
from da.data.domain import Images, LabeledImages
from da.methods.coral_map import CORALMap
from da.methods.mean_map import MeanMap
from da.models.backbone import Features
from da.training.multi_run import sharing_key
from tests.conftest import normal

FITTED = "logistic", "ridge", "svm", "nearest", "propagation"
each_fitted = pytest.mark.parametrize("classifier", FITTED)


def fitted(classifier: str, **hp) -> tuple[MeanMap, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The method, its mapped source with classes, and mapped target images."""
    y = torch.arange(60) % 3
    x = (normal(60, 5) + 2 * torch.eye(3, 5).double()[y]).float()
    m = MeanMap.Hparams(classifier=classifier, **hp).build(Features(5), 3)
    m.prepare(LabeledImages(x, torch.arange(60), y), Images(3 * x + 1, torch.arange(60)))
    return m, m.map_source(x), y, m.map_target(3 * x + 1)


@pytest.mark.parametrize(
    ("classifier", "peer"),
    [
        ("logistic", LogisticRegression(C=0.5, tol=1e-9, solver="newton-cholesky")),
        ("ridge", RidgeClassifier(alpha=2.0)),
        ("svm", LinearSVC(C=0.5, tol=1e-9, max_iter=100_000)),
        ("nearest", KNeighborsClassifier(1)),
    ],
)
def test_classify_as_scikit_learn_on_mapped_features(classifier, peer):
    strength = {} if classifier == "nearest" else {"strength": 2.0}
    m, f_s, y, f_t = fitted(classifier, **strength)
    peer.fit(f_s, y)
    found = m.predict(f_t).detach()
    assert found.argmax(1).tolist() == peer.predict(f_t).tolist()
    if strength:
        theirs = torch.from_numpy(peer.decision_function(f_t)).float()
        torch.testing.assert_close(found, theirs, rtol=1e-3, atol=1e-3)


@each_fitted
def test_is_good_before_any_step_and_moves_in_none(classifier):
    m, _, y, f_t = fitted(classifier)
    assert (m.predict(f_t).argmax(1) == y).double().mean() > 0.8
    assert m.predict(f_t).isfinite().all()
    assert not any(p.requires_grad for p in m.parameters())
    assert (m.penalty > 0) == (classifier in FITTED[:3])


@each_fitted
def test_is_stored_with_the_weights(classifier):
    m, _, _, f_t = fitted(classifier)
    fresh = MeanMap.Hparams(classifier=classifier).build(Features(5), 3)
    fresh.load_state_dict(m.state_dict())
    torch.testing.assert_close(fresh.predict(f_t), m.predict(f_t))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"classifier": "nearest", "strength": 1.0}, "nearest has no penalty, known: strength 0"),
        ({"strength": 1.0, "strength_by": "reverse"}, "strength_by reverse needs strength 0"),
        ({"classifier": "trained", "strength_by": "infomax"}, "strength_by infomax needs"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        CORALMap.Hparams(**settings)


def run_of(**hp) -> da.Run:
    return da.Run(CORALMap.Hparams(**hp), "moons:0-40", "identity", steps=20, eval_every=5)


def test_a_run_ends_after_one_evaluation_unless_it_trains():
    points = da.train(run_of(), quiet=True).curve
    assert [point["step"] for point in points] == [1]
    assert points[0]["diagnosis/penalty"] > 0
    assert json.dumps(points)
    steps = [p["step"] for p in da.train(run_of(classifier="trained"), quiet=True).curve]
    assert steps == [5, 10, 15, 20]


def test_only_trained_classifiers_share_steps_and_are_balanced():
    assert sharing_key(run_of()) is None
    assert sharing_key(run_of(classifier="trained")) is not None
    with pytest.raises(ValueError, match="balance_every is about training steps"):
        da.Run(CORALMap.Hparams(), "moons:0-40", shift=da.LabelShift(balance_every=5))
