"""Training on the source alone: the baseline that every table starts with."""

from da.methods.base import Batch, Losses, Method, Scalar


class SourceOnly(Method):
    """Train on source images alone, without any use of target images."""

    paper = "baseline"
    family = "baseline"
    blind = True
    batchable = ()

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy."""
        return {"task": self.task_loss(self.predict(batch.source.x), batch.source.y)}
