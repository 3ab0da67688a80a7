"""Test-time entropy minimization."""

from dataclasses import dataclass

from da.data.batch import Batch, TargetBatch
from da.methods._norms import MovesNorms
from da.methods.base import Losses, Method, Scalar
from da.ops.functional import prediction_entropy


class Tent(MovesNorms):
    """Adapt norms while test images stream by, until predictions are certain.

    Raises ValueError for a network without batch, layer or group norm.
    """

    paper = "Wang et al. 2021, arXiv:2006.10726"
    family = "test-time"
    source_free = True
    streams = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """No settings: each batch of the stream is one step.

        The predictions of a batch are made before its step, and are stored in `online`. Dropout is
        off. One image that is left at the end of the stream joins the batch before it: it has no
        statistics of its own. Layer norms and group norms move as batch norms do, as in the code
        of Niu et al. 2023. Differs from the authors' code: after the stream, the network uses
        the mean statistics of the stream; theirs would use those of each batch.
        """

    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return the entropy of the predictions."""
        logits = self.predict(batch.target.x)
        self.keep(batch.target, logits)
        return {"entropy": prediction_entropy(logits).mean()}
