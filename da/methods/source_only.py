"""Train on the source and hope: the baseline every table starts with."""

import torch.nn.functional as F

from da.methods.base import Batch, Losses, Method


class SourceOnly(Method):
    """Cross-entropy on source images; target images are not looked at."""

    paper = "baseline"

    def forward(self, batch: Batch, progress: float) -> Losses:
        """Source cross-entropy."""
        return {"task": F.cross_entropy(self.predict(batch.source.x), batch.source.y)}
