"""Train on the source and hope: the baseline every table starts with."""

from da.methods.base import Batch, Losses, Method, Scalar


class SourceOnly(Method):
    """Cross-entropy on source images; target images are not looked at."""

    paper = "baseline"
    family = "baseline"
    blind = True
    batchable = ()

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Source cross-entropy."""
        return {"task": self.task_loss(self.predict(batch.source.x), batch.source.y)}
