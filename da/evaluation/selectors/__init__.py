"""Selectors: scores that choose the best model without target classes, one in each file.

A file has a function `score(predictions)`, whose result is higher for a better model. `AXIS` is its
name with its unit in plots, and `RANGE` its lowest and highest value, None for no limit. A record
has every selector's score at each evaluation.
"""

from da.config.registry import SELECTORS

SELECTORS.extend_package(__path__)
