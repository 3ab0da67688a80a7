"""Selectors that need target logits alone, beside those of test_five.py."""

import math

import numpy as np
import pytest
import torch

from da.config.registry import SELECTORS
from da.evaluation.predictions import Predictions

bnm, diversity, fast_bnm, mano, mcc = (
    SELECTORS[name] for name in ("bnm", "diversity", "fast_bnm", "mano", "mcc")
)

EVEN = torch.zeros(6, 3)
"""Logits of a model that cannot tell anything."""
CERTAIN = 1000 * torch.eye(3)[torch.arange(6) % 3]
"""Logits of a model that is sure, and finds every class."""
COLLAPSED = 1000 * torch.eye(3)[torch.zeros(6, dtype=torch.int64)]
"""Logits of a model that is sure that everything is of one class."""


def predictions(logits: torch.Tensor) -> Predictions:
    k = logits.shape[1]
    return Predictions(torch.eye(k), torch.arange(k), logits)


def noisy(n: int, k: int = 4, certainty: float = 2.0) -> torch.Tensor:
    g = torch.Generator().manual_seed(0)
    return certainty * torch.eye(k)[torch.arange(n) % k] + torch.randn(n, k, generator=g)


@pytest.mark.parametrize(
    ("score", "even", "certain", "collapsed"),
    [
        (diversity, math.log(3), math.log(3), 0),
        (mcc, -2 / 3, 0, -2 / 3),
        (fast_bnm, math.sqrt(1 / 3), 1, math.sqrt(1 / 3)),
        (mano, 0, (1 / 3) ** 0.25, (1 / 3) ** 0.25),
    ],
)
def test_by_hand(score, even, certain, collapsed):
    found = [score(predictions(logits)) for logits in (EVEN, CERTAIN, COLLAPSED)]
    assert found == pytest.approx([even, certain, collapsed], abs=1e-6)


@pytest.mark.parametrize("score", [mcc, fast_bnm, mano])
def test_a_better_model_scores_higher(score):
    scores = [score(predictions(noisy(60, certainty=c))) for c in (0.0, 1.0, 3.0, 9.0)]
    assert scores == sorted(set(scores))


def test_fast_bnm_is_at_least_the_nuclear_norm_and_takes_the_longest_columns():
    """With two images, of five classes the two longest columns count."""
    logits = noisy(90)
    assert bnm(predictions(logits)) < fast_bnm(predictions(logits)) < 1
    few = noisy(2, 5)
    columns = sorted(few.softmax(1).square().sum(0).sqrt().tolist())
    assert fast_bnm(predictions(few)) == pytest.approx(sum(columns[-2:]) / 2)


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_mano_is_that_of_skada(scale):
    """With its expansion, and with softmax. Theirs changes what it is given, so it gets copies."""
    metrics = pytest.importorskip("skada.metrics")
    z = (scale * noisy(50)).double().numpy()
    theirs = metrics.MaNoScorer()
    certainty = theirs._get_criterion(z.copy())
    assert (certainty > 5) == (scale > 1)
    q = theirs._softrun(z.copy(), certainty, theirs.threshold)
    ours = mano(predictions(torch.from_numpy(z).float()))
    assert ours == pytest.approx(np.mean(q**4) ** 0.25, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["diversity", "mcc"])
def test_equals_pytorch_adapt(peer, name):
    from pytorch_adapt.layers import DiversityLoss, MCCLoss

    logits = noisy(90)
    theirs = {"diversity": DiversityLoss(), "mcc": MCCLoss(T=2.5)}[name](logits).item()
    assert SELECTORS[name](predictions(logits)) == pytest.approx(-theirs, rel=1e-5)
