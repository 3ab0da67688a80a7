"""Train on the source and hope: the baseline every table starts with."""

import torch.nn.functional as F

from da.method import Batch, Losses, Method, Scalar


class SourceOnly(Method):
    """Cross-entropy on source images; target images are not looked at."""

    paper = "baseline"
    family = "baseline"
    batchable = ()

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Source cross-entropy."""
        return {"task": F.cross_entropy(self.predict(batch.source.x), batch.source.y)}
