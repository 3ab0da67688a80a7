"""A made-up table: eight tasks with five seeds."""

import numpy as np

_RANDOM = np.random.default_rng(0)
TABLE = _RANDOM.normal(60, 12, (8, 1)) + _RANDOM.normal(0, 2, (8, 5))
"""Numbers of a row."""

ROWS = np.round(
    _RANDOM.normal(60, 9, (1, 12))
    + np.array([[0.0], [0.4], [4], [9]])
    + _RANDOM.normal(0, 2, (4, 12)),
    1,
)
"""Means of four rows on twelve tasks, of which two are alike."""
