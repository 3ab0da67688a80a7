"""A part that methods share: a look at all target images at evenly spaced steps."""

from collections.abc import Callable
from typing import ClassVar

import torch
from jaxtyping import Shaped
from torch import Tensor

from da.data.domain import Images
from da.methods.base import Method


class TargetPass(Method):
    """Base class of methods that compute something of all target images now and then.

    A subclass calls `keep_target` before the first step, sets `progress` in `forward`, and computes
    in `refresh`. Its setting `refreshes` is the number of times in a run.
    """

    batchable: ClassVar[tuple[str, ...] | None] = None

    def keep_target(self, target: Images) -> None:
        """Keep the target images, of which nothing was computed yet."""
        self.target, self.progress, self.found = target, 0.0, 0

    def after_step(self) -> None:
        """Refresh at evenly spaced steps of the training."""
        if self.progress * self.hp.refreshes >= self.found:  # type: ignore[attr-defined]
            self.count_refresh()

    def count_refresh(self) -> None:
        """Refresh now, and count that."""
        self.refresh()
        self.found += 1

    def refresh(self) -> None:
        """Compute what is needed of all target images."""
        raise NotImplementedError

    @torch.no_grad()
    def over_target(self, function: Callable[[Tensor], Tensor]) -> Shaped[Tensor, "m _"]:
        """Apply a function of images to all target images, in evaluation mode."""
        place = next(self.head.parameters()).device
        parts = torch.arange(len(self.target)).split(256)
        with self.evaluation_mode():
            return torch.cat([function(self.target.to_input(i, place)).float() for i in parts])
