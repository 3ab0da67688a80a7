import numpy as np
import pytest
import torch

from da.evaluation import metrics
from da.evaluation.metrics import Decided

sklearn = pytest.importorskip("sklearn.metrics")


@pytest.fixture(params=range(5))
def seen(request) -> Decided:
    """Random predictions; some classes have no test image, some are never predicted."""
    torch.manual_seed(request.param)
    return Decided(torch.randint(1, 7, (80,)), torch.randint(0, 6, (80,)), 6)


def test_metrics_of_classes_are_those_of_scikit_learn(seen):
    y, p = seen.y.numpy(), seen.predicted.numpy()
    present = np.unique(y)
    table = sklearn.confusion_matrix(y, p, labels=range(len(seen.confusion)))
    assert seen.confusion.tolist() == table.tolist()
    recalls = 100 * sklearn.recall_score(y, p, labels=present, average=None, zero_division=0)
    assert metrics.class_recalls(seen) == pytest.approx(dict(zip(present, recalls, strict=True)))
    assert metrics.mean_class(seen) == pytest.approx(recalls.mean())
    wanted = sklearn.f1_score(y, p, labels=present, average="macro", zero_division=0)
    assert metrics.macro_f1(seen) == pytest.approx(100 * wanted)


def test_open_set_metrics_are_those_of_their_authors(seen):
    """As ROS counts them: right ones of each class over its images, unknown ones pooled."""
    right, count = np.zeros(7), np.zeros(7)
    for y, p in zip(seen.y.tolist(), seen.predicted.tolist(), strict=True):
        count[y] += 1
        right[y] += y == p
    accuracy = 100 * right / np.maximum(count, 1)
    known = accuracy[:6][count[:6] > 0]
    found = metrics.open_set(seen)
    assert found["os_star"] == pytest.approx(known.mean())
    assert found["unk"] == pytest.approx(accuracy[6])
    assert found["os"] == pytest.approx((known.sum() + accuracy[6]) / (len(known) + 1))
    assert found["hos"] == 0  # no image is ever rejected
    rejects = Decided(seen.y, torch.where(torch.arange(80) % 3 == 0, 6, seen.predicted), 6)
    found = metrics.open_set(rejects)
    a, b = found["os_star"], found["unk"]
    assert found["hos"] == pytest.approx(2 * a * b / (a + b))


def test_separation_is_the_area_below_both_curves(seen):
    torch.manual_seed(9)
    scores = (torch.rand(80) * 20).round() / 20
    unknown = (seen.y == 6).numpy()
    found = metrics.separation(scores, seen.y, seen.predicted, 6)
    assert found["auroc"] == pytest.approx(100 * sklearn.roc_auc_score(unknown, scores.numpy()))
    right = (seen.y == seen.predicted).numpy()[~unknown]
    cuts = np.r_[-1, np.unique(scores.numpy())]
    accepted = scores.numpy()[:, None] <= cuts
    ccr = (accepted[~unknown] & right[:, None]).mean(0)
    fpr = accepted[unknown].mean(0)
    assert found["oscr"] == pytest.approx(100 * np.trapezoid(ccr, fpr))
    assert found["known"] == pytest.approx(100 * right.mean())


def test_private_images_that_cluster_as_their_classes_agree():
    y = torch.arange(40) % 4
    f = torch.eye(4)[y] + 0.01
    assert metrics.cluster_agreement(f, y + 7) == pytest.approx(100)
    assert metrics.cluster_agreement(f, torch.arange(40) // 10) < 20
    assert metrics.harmonic_mean(50, 50, 50) == pytest.approx(50)
    assert metrics.harmonic_mean(50, 0, 50) == 0


def test_the_accuracy_on_each_target():
    seen = Decided(torch.tensor([0, 1, 0, 1]), torch.tensor([0, 1, 1, 0]), 2)
    assert metrics.domain_accuracies(seen, torch.tensor([0, 0, 0, 1])) == pytest.approx(
        [200 / 3, 0]
    )
