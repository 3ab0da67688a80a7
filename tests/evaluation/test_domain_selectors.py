"""Selectors of source and features: what they equal, what they prefer, what they bear."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from torch.nn.functional import cross_entropy

from da.config.registry import SELECTORS
from da.evaluation.predictions import Predictions, accuracy
from da.evaluation.selectors import _domain_classifier
from da.evaluation.selectors._dev import controlled_risk
from da.evaluation.selectors._domain_classifier import compare_densities
from da.evaluation.selectors._features import draw_rows
from da.evaluation.selectors.circular import fit_ridge

OF_FEATURES = ["a_distance", "coral_distance", "domain_mixing", "mmd"]
WEIGHED = ["dev", "devn", "iwcv"]
ALL = [*OF_FEATURES, *WEIGHED, "atc", "circular", "discriminator", "doc", "nearest_source"]
ALL += ["target_knn"]
CENTERS = torch.randn(4, 8, generator=torch.Generator().manual_seed(1))


def images(n: int, shift: float = 0.0, spread: float = 0.6, seed: int = 0):
    """Features and classes of images of four classes, moved by `shift` along every axis."""
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(4, (n,), generator=g)
    return CENTERS[y] + shift + spread * torch.randn(n, 8, generator=g), y


def made(n: int = 120, m: int = 90, shift: float = 0.0, spread: float = 0.6) -> Predictions:
    """Predictions of the classifier of nearest centers, of which the target is moved."""
    (source, y), (target, _) = images(n, 0, spread), images(m, shift, spread, 1)
    logits = [-torch.cdist(f, CENTERS).square() for f in (source, target)]
    domains = [f.mean(1) - shift / 2 for f in (source, target)]
    return Predictions(logits[0], y, logits[1], source, target, -domains[0], -domains[1])


def test_density_ratios_are_those_of_a_classifier_of_the_other_half():
    p = made(shift=0.3)
    ratio = compare_densities(p)
    source, target = (f[draw_rows(len(f))] for f in (p.source_features, p.target_features))
    every = torch.cat([source, target])
    size = (every - every.mean(0)).square().sum(1).mean().sqrt()
    x = (torch.cat([source[::2], target[::2]]) / size).double().numpy()
    y = np.repeat([0, 1], [60, 45])
    fitted = LogisticRegression(
        C=1 / _domain_classifier.STRENGTH, solver="newton-cholesky", tol=1e-10
    ).fit(x, y)
    expected = fitted.decision_function((source[1::2] / size).numpy()) + np.log(60 / 45)
    assert ratio.source[1::2].numpy() == pytest.approx(expected, abs=1e-4)
    right = (p.source_logits.argmax(1) == p.source_y)[ratio.rows]
    weighted = 100 * np.average(right.numpy(), weights=ratio.weight.numpy())
    assert SELECTORS["iwcv"](p) == pytest.approx(weighted)


def test_domain_classifiers_are_fitted_once_for_all_scores_and_then_forgotten(monkeypatch):
    p, calls, fit = made(), [], _domain_classifier.fit_logistic
    monkeypatch.setattr(_domain_classifier, "fit_logistic", lambda *a: calls.append(1) or fit(*a))
    for name in ("a_distance", *WEIGHED):
        SELECTORS[name](p)
    assert len(calls) == 2
    before = len(_domain_classifier._KNOWN)
    del p
    assert len(_domain_classifier._KNOWN) < before


def test_risk_with_a_control_variate_by_hand():
    weight, losses = torch.tensor([0.5, 1.0, 3.0]), torch.tensor([2.0, 1.0, 0.5])
    weighed = (weight * losses).numpy()
    eta = -np.cov(weighed, weight.numpy())[0, 1] / np.var(weight.numpy(), ddof=1)
    expected = weighed.mean() + eta * weight.numpy().mean() - eta
    assert controlled_risk(weight, losses) == pytest.approx(expected)
    assert controlled_risk(torch.ones(3), losses) == pytest.approx(losses.mean().item())


def test_circular_is_the_ridge_classifier_of_scikit_learn():
    p = made(shift=0.3)
    predicted = p.target_logits.argmax(1)
    z = p.target_features - p.target_features.mean(0)
    alpha = z.square().sum(1).mean().item()
    theirs = RidgeClassifier(alpha).fit(p.target_features.numpy(), predicted.numpy())
    expected = 100 * theirs.score(p.source_features.numpy(), p.source_y.numpy())
    assert SELECTORS["circular"](p) == pytest.approx(expected)
    w = fit_ridge(p.target_features, predicted, 4, 1.0)
    ours = 2 * (p.source_features.double() @ w[:, :-1].mT + w[:, -1]) - 1
    assert ours.numpy() == pytest.approx(theirs.decision_function(p.source_features), abs=1e-3)


def test_atc_and_doc_by_hand():
    """Of four source images one is wrong, so the threshold is the second lowest confidence."""
    sure = torch.tensor([0.1, 1.0, 2.0, 3.0])[:, None] * torch.tensor([1.0, 0.0])
    target = torch.tensor([0.5, 1.0, 1.5, 4.0, 0.2])[:, None] * torch.tensor([1.0, 0.0])
    p = Predictions(sure, torch.tensor([1, 0, 0, 0]), target)
    assert SELECTORS["atc"](p) == 60
    fall = sure.softmax(1).amax(1).mean() - target.softmax(1).amax(1).mean()
    assert SELECTORS["doc"](p) == pytest.approx(75 - 100 * fall.item(), abs=1e-4)
    assert SELECTORS["atc"](replace(p, source_y=torch.ones(4).long())) == 0


@pytest.mark.parametrize("name", ["atc", "doc", "iwcv"])
def test_estimated_accuracies_are_near_the_true_one(name):
    """Target images lie where classes are hard to tell; the classifier is the best there is."""
    g = torch.Generator().manual_seed(0)
    x_s = torch.randn(4000, generator=g)
    x_t = 0.5 * torch.randn(4000, generator=g)
    y_s, y_t = ((3 * x).sigmoid() > torch.rand(4000, generator=g) for x in (x_s, x_t))
    logits = [torch.stack([-x, x], 1) * 1.5 for x in (x_s, x_t)]
    ones = [torch.stack([x, x.square()], 1) for x in (x_s, x_t)]
    p = Predictions(logits[0], y_s.long(), logits[1], *ones)
    true = accuracy(p.target_logits, y_t.long())
    assert accuracy(p.source_logits, p.source_y) > true + 8
    assert SELECTORS[name](p) == pytest.approx(true, abs=4)


@pytest.mark.parametrize("name", OF_FEATURES)
def test_domains_that_are_alike_are_preferred(name):
    scores = [SELECTORS[name](made(shift=shift)) for shift in (2.0, 0.5, 0.0)]
    if name == "coral_distance":  # which a shift leaves as it is
        wide = replace(made(), target_features=3 * made().target_features)
        scores = [SELECTORS[name](wide), SELECTORS[name](made())]
    assert scores == sorted({*scores})


@pytest.mark.parametrize("name", ["circular", "target_knn"])
def test_predictions_that_fit_the_features_are_preferred(name):
    p = made()
    turned = replace(p, target_logits=p.target_logits.roll(1, 1))
    assert SELECTORS[name](p) > SELECTORS[name](turned) + 50


@pytest.mark.parametrize("name", [*WEIGHED, "nearest_source"])
def test_errors_far_from_the_target_count_less(name):
    """Both models err on the same number of source images, near the target or far from it."""
    p = made(shift=0.6)
    near = torch.cdist(p.source_features, p.target_features.mean(0)[None])[:, 0].argsort()
    wrong = [p.source_logits.clone() for _ in range(2)]
    for logits, rows in zip(wrong, (near[:30], near[-30:]), strict=True):
        logits[rows] = 5 * torch.eye(4)[(p.source_y[rows] + 1) % 4]
    close, far = (SELECTORS[name](replace(p, source_logits=logits)) for logits in wrong)
    assert far > close


def test_a_confused_discriminator_is_preferred():
    score, p = SELECTORS["discriminator"], made(100, 50)
    sure = replace(p, source_domain=torch.ones(100), target_domain=-torch.ones(50))
    half = replace(sure, source_domain=torch.ones(100).index_fill(0, torch.arange(50), -1))
    assert (score(sure), score(half)) == (0, 0.5)
    assert score(replace(sure, target_domain=torch.ones(50))) == 1


@pytest.mark.parametrize("name", ALL)
def test_odd_predictions_give_a_number_or_nan(name):
    p = made(12, 9)
    zero = torch.zeros(12, 8), torch.zeros(9, 8)
    one = Predictions(
        p.source_logits[:1],
        p.source_y[:1],
        p.target_logits[:1],
        *(f[:1] for f in (p.source_features, p.target_features, p.source_domain, p.target_domain)),
    )
    collapsed = replace(p, target_logits=50 * torch.eye(4)[torch.zeros(9).long()])
    odd = [one, collapsed, replace(collapsed, source_y=torch.full((12,), 3))]
    odd += [replace(p, source_features=zero[0], target_features=zero[1])]
    odd += [replace(p, source_features=1e30 * p.source_features)]
    odd += [replace(p, source_features=p.source_features.half(), target_features=zero[1].half())]
    odd += [replace(p, source_features=p.source_features / 0)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(isinstance(SELECTORS[name](seen), float) for seen in odd)


def test_at_most_so_many_images_count():
    rows = draw_rows(5000)
    assert len(rows.unique()) == len(rows) == 2000
    assert len(draw_rows(30).unique()) == 30
    assert 2200 < rows.double().mean() < 2800


@pytest.fixture(scope="module")
def peer():
    """Parts of pytorch-adapt, whose import warns of what it is built on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pytorch_adapt.validators.deep_embedded_validator as dev
        from pytorch_adapt import layers, validators
        from pytorch_metric_learning.distances import LpDistance
        from pytorch_metric_learning.utils.inference import CustomKNN
    knn = CustomKNN(LpDistance(normalize_embeddings=False))
    return {"dev": dev, "layers": layers, "validators": validators, "knn": knn}


def given(p: Predictions) -> dict[str, dict[str, torch.Tensor]]:
    """Both domains as pytorch-adapt's validators take them."""
    each = (p.source_features, p.source_logits), (p.target_features, p.target_logits)
    source, target = ({"features": f, "preds": z.softmax(1), "logits": z} for f, z in each)
    source |= {"labels": p.source_y, "domain": torch.zeros(len(p.source_y))}
    target |= {"domain": torch.ones(len(p.target_logits))}
    return {"src_train": source, "src_val": source, "target_train": target}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "validator", "scale", "offset"),
    [
        ("target_knn", "TargetKNNValidator", 100, 0),
        ("domain_mixing", "KNNValidator", 1, 1),
        ("nearest_source", "NearestSourceValidator", 100, 0),
    ],
)
def test_neighbors_equal_those_of_pytorch_adapt(peer, name, validator, scale, offset):
    p = made(shift=0.4, spread=1.5)
    own = {"layer": "features"} | ({} if name == "nearest_source" else {"knn_func": peer["knn"]})
    theirs = getattr(peer["validators"], validator)(**own)
    found = theirs(**{key: given(p)[key] for key in theirs.required_data})
    assert 0.2 < (scale * found + offset) / scale < 0.99
    assert SELECTORS[name](p) == pytest.approx(scale * found + offset)


@pytest.mark.slow
def test_distances_equal_those_of_pytorch_adapt(peer):
    p = made(shift=0.4)
    f = torch.cat([p.source_features, p.target_features])
    width = torch.pdist(f).square().mean().item()
    scales = torch.tensor([0.25, 0.5, 1.0, 2.0, 4.0])
    theirs = peer["layers"].MMDLoss(scales, "quadratic", bandwidth=width)
    expected = -theirs(p.source_features, p.target_features).item()
    assert SELECTORS["mmd"](p) == pytest.approx(expected, abs=1e-6)
    coral = peer["layers"].CORALLoss()(p.source_features, p.target_features).item()
    assert SELECTORS["coral_distance"](p) == pytest.approx(-coral, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "normalization"), [("dev", None), ("devn", "max")])
def test_risks_equal_those_of_pytorch_adapt(peer, name, normalization):
    p = made(shift=0.4)
    ratio = compare_densities(p)
    losses = cross_entropy(p.source_logits, p.source_y, reduction="none")[ratio.rows]
    theirs = peer["dev"].get_dev_risk(
        ratio.weight[:, None].clone(), losses[:, None].double(), normalization
    )
    assert SELECTORS[name](p) == pytest.approx(-theirs, rel=1e-5)
