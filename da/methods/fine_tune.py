"""Fine-tuning on a few labeled target images."""

from dataclasses import dataclass
from typing import Annotated

from da.config.limits import UNIT
from da.config.ranges import Uniform
from da.methods.base import Batch, Losses, Method, Scalar


class FineTune(Method):
    """Train on the source first, then on the labeled target images alone."""

    paper = "baseline"
    family = "baseline"
    takes_shots = True
    batchable = ()

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the change from source to target; the default is ours."""

        source_share: Annotated[float, Uniform(0.1, 0.9), UNIT] = 0.5
        """Share of the training steps that use the source; the rest use labeled target images."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the cross-entropy on source images or, later, on labeled target images."""
        assert batch.shots is not None
        stage = batch.source if progress < self.hp.source_share else batch.shots
        return {"task": self.task_loss(self.predict(stage.x), stage.y)}
