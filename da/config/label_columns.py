"""Settings of several label columns: what is learned next to the class, and how much it weighs."""

from dataclasses import dataclass
from typing import Annotated, Literal

from da.config.limits import AMOUNT
from da.config.ranges import LogUniform
from da.config.validation import choice_errors, find_control, limit_errors, refuse

MEAN = "mean"
"""What stands for the mean over all columns, where a record or a table names a column."""

TAKEN = MEAN, "online"
"""Names that no further column can have: records use them for numbers of their own."""


@dataclass(frozen=True)
class LabelColumns:
    """The columns of labels that are learned, each by a head of its own on the shared neck.

    Raises:
        ValueError: Where a name cannot be one, or settings contradict each other.
    """

    label_columns: tuple[str, ...] = ()
    """Columns of labels to learn; empty for the data's own class alone.
    The first is the class that the method sees. Each further one has a head on the same features.
    """
    column_weight: Annotated[float, LogUniform(0.1, 10), AMOUNT] = 1.0
    """Weight of the cross-entropy of each further column; 0 leaves its head as it began."""
    column_weighting: Literal["fixed", "uncertainty"] = "fixed"
    """How the cross-entropies of the columns are weighed against each other.
    fixed: the class by 1, the others by `column_weight`.
    uncertainty: each also by a learned weight (Kendall et al. 2018).
    """

    def __post_init__(self) -> None:
        names = self.label_columns
        texts = isinstance(names, tuple | list) and all(isinstance(name, str) for name in names)
        further = names[1:] if texts else ()
        changed = self.column_weight != 1 or self.column_weighting != "fixed"
        refuse(
            choice_errors(self)
            | limit_errors(self)
            | {
                f"label_columns are names of columns, each once, not {names!r}": not texts
                or len({*names}) < len(names)
                or any(not name or bool(find_control(name)) for name in names),
                f"no further label column can be called {' or '.join(TAKEN)}": (
                    not {*TAKEN}.isdisjoint(further)
                ),
                "column_weight and column_weighting need label_columns of two names or more": (
                    changed and not further
                ),
            }
        )

    @property
    def further(self) -> tuple[str, ...]:
        """Columns after the first, which have heads of their own."""
        return self.label_columns[1:]
