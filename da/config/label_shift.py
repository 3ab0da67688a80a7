"""Settings of label shift: classes that are more or less frequent in the target."""

from dataclasses import dataclass
from typing import Annotated, Literal

from da.config.limits import WHOLE
from da.config.validation import choice_errors, limit_errors, refuse


@dataclass(frozen=True)
class LabelShift:
    """What is done about other frequencies of classes in the target, under any method.

    Both halves together are the recipe of RLSbench (Garg et al. 2023, arXiv:2302.03020).

    Raises:
        ValueError: Where a setting has an unknown value.
    """

    label_shift: Literal["none", "bbse", "rlls", "em"] = "none"
    """How the frequencies of the target's classes are estimated, by which predictions are weighted.
    none: predictions stay as they are.
    bbse: by the confusions of held-out source images (Lipton et al. 2018).
    rlls: the same, but nearer to the source's frequencies (Azizzadenesheli et al. 2019).
    em: the most likely ones, given predicted probabilities (Saerens et al. 2002).
    """
    balance_every: Annotated[int, WHOLE] = 0
    """Steps between predictions by which target images are drawn evenly over classes; 0 for never.
    Source images are drawn evenly over their labels then. Until the first predictions, target
    images are drawn as ever.
    """

    def __post_init__(self) -> None:
        refuse(choice_errors(self) | limit_errors(self))
