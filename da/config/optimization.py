"""Settings of gradient steps that papers set beside learning rate, momentum and weight decay."""

from dataclasses import dataclass
from typing import Annotated

from da.config.limits import AMOUNT, COUNT, PART, UNIT, WHOLE
from da.config.ranges import LogUniform, Uniform
from da.config.validation import limit_errors, refuse


@dataclass(frozen=True)
class Optimization:
    """Nesterov's momentum, the learning rate's course, and parts of the network apart.

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
    drop_factor: Annotated[float, LogUniform(0.05, 1), PART] = 0.1
    """Factor of the learning rate at each drop: see `drop_every`."""

    neck_lr: Annotated[float, LogUniform(0.1, 10), AMOUNT] = 1.0
    """Learning rate of the neck, as a multiple of `lr`."""
    head_lr: Annotated[float, LogUniform(0.1, 10), AMOUNT] = 1.0
    """Learning rate of the classifier, as a multiple of `lr`."""
    rest_lr: Annotated[float, LogUniform(0.1, 10), AMOUNT] = 1.0
    """Learning rate of all that a method adds, as a multiple of `lr`: discriminators, second heads.
    That of the backbone is `backbone_lr`.
    """
    backbone_momentum: Annotated[float, Uniform(0, 1), UNIT] = 1.0
    """Momentum of the backbone in regime full with sgd, as a share of `momentum`; 0 for none."""
    backbone_decay: Annotated[float, Uniform(0, 1), AMOUNT] = 1.0
    """Weight decay of the backbone in regime full, as a multiple of `weight_decay`; 0 for none."""

    target_images: Annotated[int, COUNT] = 1
    """Target images in a step for each source image, mu in FixMatch's paper, where it is 7.
    Above 1, for methods that see a strong view of them: fixmatch, mean_teacher and adamatch.
    """
    accumulate: Annotated[int, COUNT] = 1
    """Parts in which a batch passes the backbone in regime full, if memory is short; 1 for none.
    The step is that of the whole batch, for every method, and takes about a third longer.
    """

    def __post_init__(self) -> None:
        refuse(limit_errors(self))

    @property
    def anneals_as_usual(self) -> bool:
        """Whether annealing is that of Ganin et al. 2016."""
        return (self.anneal_gamma, self.anneal_power, self.anneal_first) == (10, 0.75, 0)

    @property
    def part_rates(self) -> dict[str, float]:
        """Multiple of `lr` by the attribute of a method that holds the part; "" for the rest."""
        parts = {"neck": self.neck_lr, "head": self.head_lr, "column_heads": self.head_lr}
        every = parts | {"": self.rest_lr}
        return every if {*every.values()} != {1} else {"": 1.0}
