"""Losses, and the parts of a training step that minimize them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn

from da.ops.functional import Scalar

Losses = dict[str, Tensor]
"""Losses by name: scalars, already multiplied by their weights. Their sum is minimized.

Cross-entropy with given labels is called `task` or `task_...`. Diagnostics count every other loss
as adaptation.
"""


class Phase(NamedTuple):
    """One part of a training step: losses, and the parameters that minimize them.

    The trainer computes the losses and their gradient, and moves `updates` by one optimizer step.
    """

    losses: Callable[[Any, Scalar], Losses]
    """Function from a batch and the progress (0 to 1) to the losses; often a bound method."""
    updates: Iterable[nn.Parameter]
    """Parameters that this part moves. All others stay as they are."""


@runtime_checkable
class Trainable(Protocol):
    """What the trainer can train: one method, or several that share their steps."""

    def phases(self) -> Iterator[Phase]:
        """Return the parts of one training step, in order."""

    def after_step(self) -> None:
        """Update what no gradient moves, once all parts of a step are done."""
