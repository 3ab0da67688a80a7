"""Settings of gradient steps that papers set beside learning rate, momentum and weight decay."""

from dataclasses import dataclass
from typing import Annotated

from da.config.limits import AMOUNT, WHOLE
from da.config.ranges import LogUniform, Uniform
from da.config.validation import limit_errors, refuse


@dataclass(frozen=True)
class Optimization:
    """Nesterov's momentum, and how the learning rate is annealed.

    Raises:
        ValueError: Where a setting is outside its limit.
    """

    nesterov: bool = False
    """Whether the momentum of sgd is Nesterov's: the gradient is added once more to each step."""
    anneal_gamma: Annotated[float, LogUniform(1, 100), AMOUNT] = 10.0
    """Gamma of schedule annealing, over the whole run: a paper's gamma per step, times `steps`.
    For example .001 per step, as in TLlib and CDAN, is 20 for 20,000 steps.
    """
    anneal_power: Annotated[float, Uniform(0.25, 1), AMOUNT] = 0.75
    """Power of schedule annealing, without its minus."""
    anneal_first: Annotated[int, WHOLE] = 0
    """Number that schedule annealing gives the first step: 0, or 1 as SHOT's code does."""

    def __post_init__(self) -> None:
        refuse(limit_errors(self))

    @property
    def anneals_as_usual(self) -> bool:
        """Whether annealing is that of Ganin et al. 2016."""
        return (self.anneal_gamma, self.anneal_power, self.anneal_first) == (10, 0.75, 0)
