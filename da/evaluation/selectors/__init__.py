"""Selectors: scores that choose the best model without target classes, one in each file.

A file has a function `score(predictions)`, whose result is higher for a better model. `AXIS` is its
name with its unit in plots, and `RANGE` its lowest and highest value, None for no limit. `NEEDS`
says what it needs, as `da.evaluation.scores` lists it. A record has, at each evaluation, the score
of every selector whose needs are met. One that needs several runs has a function `score_pool(pool)`
instead, whose results are the scores of each. Its `POOL` says which evaluations it compares: "task"
for all of one task and seed, "seeds" for those at one step of runs that differ in seeds alone.
"""

from da.config.registry import SELECTORS

SELECTORS.extend_package(__path__)
