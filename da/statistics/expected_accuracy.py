"""Accuracy to be expected on unlabeled images, from how sure a network is. No torch here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Confidence = tuple[tuple[float, float], ...]
"""Log odds of predictions for source images, rising, each with the share that is right."""

LIMIT = 80.0
"""Largest log odds, near the end of what float32 tells apart."""

DRAWS = 500
"""Times that images are drawn again for an interval."""

FEW = 20
"""Least images of which an accuracy is told."""

Odds = Float[np.ndarray, "m"]
"""Log odds of the class that is predicted of each image."""

Source = Float[np.ndarray, "n 2"]
"""Rows of `Confidence`."""


@dataclass(frozen=True)
class Expected:
    """An accuracy that is to be expected, in percent."""

    accuracy: float
    """The estimate."""
    low: float
    """Lower end of its 95 % interval over images."""
    high: float
    """Upper end of that interval."""

    def __str__(self) -> str:
        return f"{self.accuracy:.1f} % ({self.low:.1f} to {self.high:.1f})"


def atc(source: Source, odds: Odds) -> float:
    """Return the share of images that are as sure as the source's right ones (Garg et al. 2022).

    As many source images are less sure than the threshold as are classified wrongly. Log odds order
    images as the largest probability does.
    """
    errors = round(float((1 - source[:, 1]).sum()))
    if errors == len(source):
        return 0.0
    return float((odds >= np.sort(source[:, 0])[errors]).mean())


def doc(source: Source, odds: Odds) -> float:
    """Return the source's accuracy less its lead in mean confidence (Guillory et al. 2021)."""
    lead = confidence(source[:, 0]).mean() - confidence(odds).mean()
    return float(np.clip(source[:, 1].mean() - lead, 0, 1))


RULES: Mapping[str, Callable[[Source, Odds], float]] = {"atc": atc, "doc": doc}
"""Rules by name; the first is told where one is."""


MEAN_ERROR = {"atc": 11, "doc": 11, "agreement": 27}
"""Mean error of each rule in points, on twenty emoji tasks, by `benchmarks/estimates.py`."""


def confidence(odds: Odds) -> Odds:
    """Return the probability of classes with these log odds."""
    return 1 / (1 + np.exp(-odds))


def log_odds(probabilities: Sequence[Float[np.ndarray, "k"]]) -> Odds:
    """Return the log odds of the likeliest class of each image, from all its probabilities."""
    ordered = np.sort(np.asarray(probabilities, dtype=float), 1)
    tiny = np.finfo(np.float32).tiny
    against = np.maximum(ordered[:, :-1].sum(1), tiny)
    return np.minimum(np.log(ordered[:, -1]) - np.log(against), LIMIT)


def expect_accuracy(source: Confidence, odds: Odds) -> dict[str, Expected]:
    """Return the accuracy to be expected on images, by each rule of one network.

    The interval is that of drawing both the images and the source's again. It has no share of the
    rule's own error, which no images without labels tell.

    Args:
        source: What is stored of the source, a row for each image, or for some of near odds.
        odds: Log odds of the predictions for the images.
    """
    known, random = np.asarray(source, dtype=float), np.random.default_rng(0)
    pairs = [(_draw(known, random), _draw(odds, random)) for _ in range(DRAWS)]
    return {
        name: _percent(rule(known, odds), [rule(*pair) for pair in pairs])
        for name, rule in RULES.items()
    }


def expect_agreement(a: Sequence[np.ndarray], b: Sequence[np.ndarray]) -> Expected:
    """Return how often two trainings agree, which estimates the accuracy of either.

    Jiang et al. (2022) show that it does so for networks whose ensemble is calibrated.

    Args:
        a: Probabilities of each image by one training.
        b: Probabilities of the same images by another.
    """
    same = np.array([x.argmax() == y.argmax() for x, y in zip(a, b, strict=True)], dtype=float)
    random = np.random.default_rng(0)
    return _percent(same.mean(), [_draw(same, random).mean() for _ in range(DRAWS)])


def _draw(rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return rows[random.integers(len(rows), size=len(rows))]


def _percent(found: float, draws: Sequence[float]) -> Expected:
    low, high = np.percentile(draws, [2.5, 97.5])
    return Expected(*(100 * float(share) for share in (found, low, high)))
