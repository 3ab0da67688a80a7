"""The best model that a run has come by, and when to stop looking for a better one."""

import math

from torch import Tensor, nn

from da.models.finetuning import Tuning
from da.results.records import Point


class BestWeights:
    """Follows a run look by look; without a score to go by it neither keeps nor stops anything."""

    def __init__(self, tuning: Tuning) -> None:
        self.tuning = tuning
        self.score = -math.inf
        self.since = 0
        """Looks since the best one."""
        self.weights: dict[str, Tensor] = {}

    def update(self, point: Point, method: nn.Module) -> None:
        """Take in a look; its weights are copied where it is the best so far."""
        if self.tuning.kept == "last":
            return
        self.since += 1
        if point[self.tuning.kept] > self.score:
            self.score, self.since = point[self.tuning.kept], 0
            self.weights = {name: x.detach().clone() for name, x in method.state_dict().items()}

    def is_over(self) -> bool:
        """Whether nothing better has come for as long as patience lasts."""
        return 0 < self.tuning.patience <= self.since

    def restore(self, method: nn.Module) -> None:
        """Give `method` the best weights that were seen."""
        if self.weights:
            method.load_state_dict(self.weights)
