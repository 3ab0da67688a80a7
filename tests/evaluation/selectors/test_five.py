import math

import pytest
import torch
from torch.nn.functional import cosine_similarity

from da.config.registry import SELECTORS
from da.evaluation.predictions import Predictions

bnm, entropy, infomax, snd, source_accuracy = (
    SELECTORS[name] for name in ("bnm", "entropy", "infomax", "snd", "source_accuracy")
)
TARGET_ONLY = {"entropy": entropy, "infomax": infomax, "snd": snd, "bnm": bnm}


def predictions(target_logits: torch.Tensor, source_logits=None, source_y=None) -> Predictions:
    k = target_logits.shape[1]
    source_logits = torch.eye(k) if source_logits is None else source_logits
    return Predictions(
        source_logits, torch.arange(k) if source_y is None else source_y, target_logits
    )


def noisy(n: int, k: int = 4, certainty: float = 2.0) -> torch.Tensor:
    g = torch.Generator().manual_seed(0)
    return certainty * torch.eye(k)[torch.arange(n) % k] + torch.randn(n, k, generator=g)


EVEN = torch.zeros(6, 3)
"""Logits of a model that cannot tell anything."""
CERTAIN = 100 * torch.eye(3)[torch.arange(6) % 3]
"""Logits of a model that is sure, and finds every class."""
COLLAPSED = 100 * torch.eye(3)[torch.zeros(6, dtype=torch.int64)]
"""Logits of a model that is sure that everything is of one class."""


def test_source_accuracy_is_a_percentage():
    said, true = torch.tensor([0, 1, 0, 2]), torch.tensor([0, 1, 1, 2])
    assert source_accuracy(predictions(EVEN, torch.eye(3)[said], true)) == 75


def test_entropy_by_hand():
    assert entropy(predictions(EVEN)) == pytest.approx(-math.log(3))
    assert entropy(predictions(CERTAIN)) == pytest.approx(0, abs=1e-6)
    assert entropy(predictions(COLLAPSED)) == pytest.approx(0, abs=1e-6)
    half = torch.cat([EVEN, CERTAIN])
    assert entropy(predictions(half)) == pytest.approx(-math.log(3) / 2)


def test_infomax_by_hand():
    assert infomax(predictions(EVEN)) == pytest.approx(0, abs=1e-6)
    assert infomax(predictions(COLLAPSED)) == pytest.approx(0, abs=1e-6)
    assert infomax(predictions(CERTAIN)) == pytest.approx(math.log(3))


def test_snd_by_hand():
    """Of three classes of two images, an image has one neighbor like it and four unlike."""
    p = torch.tensor([math.e, 1, 1, 1, 1]) / (math.e + 4)
    expected = -(p * p.log()).sum().item()
    assert snd(predictions(CERTAIN), temperature=1.0) == pytest.approx(expected)
    assert snd(predictions(CERTAIN)) == pytest.approx(0, abs=1e-5)
    assert snd(predictions(COLLAPSED)) == pytest.approx(math.log(5))


def test_snd_of_one_image_is_a_number():
    assert snd(predictions(CERTAIN[:1])) == 0


def test_bnm_by_hand():
    """One singular value of sqrt(m) where all predictions agree, three of sqrt(m / 3) at best."""
    assert bnm(predictions(CERTAIN)) == pytest.approx(1)
    assert bnm(predictions(COLLAPSED)) == pytest.approx(1 / math.sqrt(3))
    assert bnm(predictions(EVEN)) == pytest.approx(1 / 3)


def test_bnm_is_1_at_best_with_fewer_images_than_classes():
    assert bnm(predictions(100 * torch.eye(5)[:2])) == pytest.approx(1)


@pytest.mark.parametrize("name", ["source_accuracy", "entropy", "infomax", "bnm"])
def test_a_better_model_scores_higher(name):
    y = torch.arange(60) % 4
    scores = [
        SELECTORS[name](predictions(logits, logits, y))
        for logits in (noisy(60, certainty=c) for c in (0.0, 1.0, 3.0, 9.0))
    ]
    assert scores == sorted(set(scores))


def test_snd_prefers_dense_neighborhoods():
    """Images that huddle at their class, to images strewn between one class and another."""
    near, other = torch.arange(60) % 4, torch.arange(60) // 4 % 4
    share = torch.linspace(0.01, 0.99, 60)[torch.arange(60) * 37 % 60, None]
    strewn = share * torch.eye(4)[near] + (1 - share) * torch.eye(4)[other] + 1e-9
    assert snd(predictions(noisy(60, certainty=9.0))) > snd(predictions(strewn.log())) + 0.1


@pytest.mark.parametrize("name", TARGET_ONLY)
def test_source_predictions_do_not_matter(name):
    right, wrong = torch.eye(4), torch.eye(4).flip(0)
    scores = {TARGET_ONLY[name](predictions(noisy(20), source)) for source in (right, wrong)}
    assert len(scores) == 1


def test_snd_of_many_images_equals_the_formula_for_all_at_once():
    logits = noisy(1500)
    q = logits.softmax(1)
    similarity = cosine_similarity(q[:, None], q[None], dim=2) / 0.05
    others = similarity[~torch.eye(1500, dtype=torch.bool)].reshape(1500, 1499)
    expected = torch.distributions.Categorical(logits=others).entropy().mean().item()
    assert snd(predictions(logits)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "validator"),
    [
        ("entropy", "EntropyValidator"),
        ("infomax", "IMValidator"),
        ("snd", "SNDValidator"),
        ("source_accuracy", "AccuracyValidator"),
    ],
)
def test_equals_pytorch_adapt(peer, name, validator):
    target, source, y = noisy(90), noisy(80).flip(0), torch.arange(80) % 4
    given = {
        "target_train": {"logits": target, "preds": target.softmax(1)},
        "src_val": {"logits": source, "preds": source.softmax(1), "labels": y},
    }
    theirs = getattr(peer, validator)()
    required = {key: given[key] for key in theirs.required_data}
    percent = 100 if name == "source_accuracy" else 1
    ours = SELECTORS[name](predictions(target, source, y))
    assert ours == pytest.approx(percent * theirs(**required), rel=1e-4)


@pytest.mark.slow
def test_bnm_equals_pytorch_adapt_but_for_the_scale(peer):
    """Theirs is the nuclear norm over m, ours over sqrt(m k)."""
    logits = noisy(90)
    theirs = peer.BNMValidator()(target_train={"logits": logits})
    assert bnm(predictions(logits)) == pytest.approx(theirs * math.sqrt(90 / 4), rel=1e-5)
