"""Selectors that need predictions of changed or mixed target images."""

import math

import numpy as np
import pytest
import torch

from da.config.registry import SELECTORS
from da.evaluation.predictions import Predictions

consistency, mixval = SELECTORS["consistency"], SELECTORS["mixval"]


def views(first: list[int], second: list[int]) -> Predictions:
    return Predictions(
        torch.eye(3),
        torch.arange(3),
        torch.zeros(len(first), 3),
        target_views=torch.eye(3)[torch.tensor([first, second])],
    )


def test_consistency_is_the_share_of_equal_classes():
    assert consistency(views([0, 1, 2, 2], [0, 1, 1, 0])) == 50
    assert consistency(views([0, 1, 2, 2], [0, 1, 2, 2])) == 100


def mixtures(said: list[list[int]], partners: list[list[int]]) -> Predictions:
    """Predictions for mixtures of four images, whose own classes are 0, 0, 1, 1."""
    logits = torch.eye(2)[torch.tensor([0, 0, 1, 1])]
    mixed = torch.eye(2)[torch.tensor(said)]
    return Predictions(
        logits, torch.arange(4), logits, mixed_logits=mixed, mixed_with=torch.tensor(partners)
    )


def test_mixval_by_hand():
    """Of the first kind half are right, of the second all three that there are."""
    assert mixval(mixtures([[0, 1, 1, 0], [0, 0, 1, 0]], [[1, 0, 3, 2], [2, 3, 0, -1]])) == 75


def test_a_kind_of_mixtures_that_there_is_not_does_not_count():
    assert mixval(mixtures([[0, 1, 1, 0], [0] * 4], [[1, 0, 3, 2], [-1] * 4])) == 50
    assert math.isnan(mixval(mixtures([[0] * 4] * 2, [[-1] * 4] * 2)))


class Linear:
    """A classifier as scikit-learn has them, of the sign of the first feature."""

    def fit(self, x, y):
        return self

    def predict(self, x, sample_domain=None):
        return (x[:, 0] + 0.5 * np.sin(9 * x[:, 1]) > 0).astype(int)

    def score(self, x, y, sample_domain=None):
        return (self.predict(x) == y).mean()


def test_mixval_is_that_of_skada():
    metrics = pytest.importorskip("skada.metrics")
    x = np.random.RandomState(0).randn(80, 2)
    partner = np.random.RandomState(3).permutation(80)
    wanted = metrics.MixValScorer(random_state=3)._score(
        None, Linear(), x, np.zeros(80, int), np.full(80, -2)
    )
    said, mixed = Linear().predict(x), Linear().predict(0.55 * x + 0.45 * x[partner])
    alike = said == said[partner]
    rows = torch.tensor(np.stack([np.where(alike, partner, -1), np.where(alike, -1, partner)]))
    logits, of_mixed = (torch.eye(2)[torch.from_numpy(y)] for y in (said, mixed))
    ours = mixval(
        Predictions(
            logits,
            torch.arange(80),
            logits,
            mixed_logits=of_mixed.expand(2, 80, 2),
            mixed_with=rows,
        )
    )
    assert ours == pytest.approx(100 * wanted)
    assert ours < 100
