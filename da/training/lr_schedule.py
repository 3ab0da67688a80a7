"""How the learning rate changes during training: schedule, warmup and drops."""

import math
from collections.abc import Callable

from da.config.choices import Schedule
from da.runs.run import Run
from da.training.engine import Rate

SCHEDULES: dict[Schedule, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
    "annealing": lambda progress: (1 + 10 * progress) ** -0.75,
}
"""Factor of the learning rate as a function of progress, 0 to 1, for each schedule.

Annealing follows Ganin et al. 2016, section 5.2.2.
"""


def lr_factor(run: Run, steps: int) -> Rate:
    """Return the factor of the learning rate at each of the `steps` of a run, counted from 1."""
    schedule, warmup, drop_every = SCHEDULES[run.schedule], run.tuning.warmup, run.tuning.drop_every

    def factor(step: int) -> float:
        rising = min(1.0, step / (warmup + 1))
        drops = (step - 1) // drop_every if drop_every else 0
        return schedule((step - 1) / steps) * rising * 0.1**drops

    return factor
