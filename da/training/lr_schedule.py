"""How the learning rate changes during training: schedule, warmup and drops."""

import math
from collections.abc import Callable

from da.config.choices import Schedule
from da.config.optimization import Optimization
from da.runs.run import Run
from da.training.engine import Rate


def _anneal(progress: float, own: Optimization) -> float:
    return float((1 + own.anneal_gamma * progress) ** -own.anneal_power)


SCHEDULES: dict[Schedule, Callable[[float, Optimization], float]] = {
    "constant": lambda progress, own: 1.0,
    "cosine": lambda progress, own: (1 + math.cos(math.pi * progress)) / 2,
    "annealing": _anneal,
}
"""Factor of the learning rate as a function of progress, 0 to 1, for each schedule.

Annealing follows Ganin et al. 2016, section 5.2.2, with the gamma and the power of the run.
"""


def lr_factor(run: Run, steps: int) -> Rate:
    """Return the factor of the learning rate at each of the `steps` of a run, counted from 1."""
    schedule, warmup, drop_every = SCHEDULES[run.schedule], run.tuning.warmup, run.tuning.drop_every
    own = run.optimization

    def factor(step: int) -> float:
        rising = min(1.0, step / (warmup + 1))
        drops = (step - 1) // drop_every if drop_every else 0
        return (
            schedule((step - 1 + own.anneal_first) / steps, own) * rising * own.drop_factor**drops
        )

    return factor
