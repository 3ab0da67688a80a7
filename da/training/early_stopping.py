"""Keep the best weights of a run, and stop the run when its score no longer improves."""

import math

from torch import Tensor, nn

from da.config.fine_tuning import FineTuning
from da.results.records import Point


class BestWeights:
    """The weights of a run's best evaluation so far, by the selector `FineTuning.chosen_by`.

    With `chosen_by` "last" there is no score: it keeps no weights and never stops the run.
    """

    def __init__(self, tuning: FineTuning) -> None:
        self.tuning = tuning
        self.score = -math.inf
        self.since = 0
        """Evaluations since the best one."""
        self.weights: dict[str, Tensor] = {}

    def update(self, point: Point, method: nn.Module) -> None:
        """Compare an evaluation with the best so far, and copy the weights if it is better."""
        if self.tuning.chosen_by == "last":
            return
        self.since += 1
        if point[self.tuning.chosen_by] > self.score:
            self.score, self.since = point[self.tuning.chosen_by], 0
            self.weights = {name: x.detach().clone() for name, x in method.state_dict().items()}

    def is_over(self) -> bool:
        """Return whether the score has not improved for `FineTuning.patience` evaluations."""
        return 0 < self.tuning.patience <= self.since

    def restore(self, method: nn.Module) -> None:
        """Load the best weights into `method`, if any were kept."""
        if self.weights:
            method.load_state_dict(self.weights)
