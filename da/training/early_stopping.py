"""Keep the best weights of a run, and stop the run when its score no longer improves."""

import math

from torch import Tensor, nn

from da.config.fine_tuning import FineTuning
from da.results.aggregate import list_scores
from da.results.record_schema import LABELED
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
        """Compare an evaluation with the best so far, and copy the weights if it is better.

        Raises:
            ValueError: The run has no such score.
        """
        name = self.tuning.chosen_by
        if name == "last":
            return
        if name not in point and not self.weights:
            scores = [score for score in list_scores([point]) if score not in LABELED]
            known = ", ".join(["last", *scores])
            raise ValueError(
                f"chosen_by: the evaluations of this run have no {name}, known: {known}"
            )
        self.since += 1
        score = point.get(name, -math.inf)  # one that is not finite is left out
        if score > self.score:
            self.score, self.since = score, 0
            self.weights = {name: x.detach().clone() for name, x in method.state_dict().items()}

    def is_over(self) -> bool:
        """Return whether the score has not improved for `FineTuning.patience` evaluations."""
        return 0 < self.tuning.patience <= self.since

    def restore(self, method: nn.Module) -> None:
        """Load the best weights into `method`, if any were kept."""
        if self.weights:
            method.load_state_dict(self.weights)
