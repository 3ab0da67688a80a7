"""Deep joint distribution optimal transport."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor

from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.linalg import squared_distances
from da.ops.transport import exact_plan


class DeepJDOT(Method):
    """Target images move to, and take the class of, the source images they are transported to.

    By the plan of least cost between two batches, found anew at each step by POT.
    """

    paper = "Damodaran et al. 2018, arXiv:1803.10081"
    family = "optimal transport"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """The exact plan (`ot.emd`) of the cost that is minimized.

        As in the paper; its authors' code finds the plan by squared differences of predictions.
        """

        feature_trade_off: Annotated[float, LogUniform(1e-5, 1e-1)] = 0.001
        """Weight of squared distances of features, alpha in the paper."""
        class_trade_off: Annotated[float, LogUniform(1e-6, 1e-2)] = 0.0001
        """Weight of cross-entropies with the source image's class, lambda_t in the paper."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Source cross-entropy, and the two costs of the plan."""
        f_s, f_t = self.features(batch)
        with torch.autocast(f_s.device.type, enabled=False):
            distances = squared_distances(f_s.float(), f_t.float())
        classes = cross_entropies(batch.source.y, self.head(f_t).float())
        far, wrong = self.hp.feature_trade_off * distances, self.hp.class_trade_off * classes
        plan = exact_plan((far + wrong).detach())
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "features": (plan * far).sum(),
            "classes": (plan * wrong).sum(),
        }


def cross_entropies(y: Int[Tensor, "n"], logits: Float[Tensor, "m k"]) -> Float[Tensor, "n m"]:
    """Cross-entropy of each prediction with each class of `y`."""
    return -logits.log_softmax(1)[:, y].mT
