"""Deep joint distribution optimal transport."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor

from da.config.limits import AMOUNT
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.linalg import squared_distances
from da.ops.transport import exact_plan


class DeepJDOT(Method):
    """Pair target with source images by optimal transport, and train pairs to become alike.

    Target features move to those of the source images they are paired with, and predictions to
    their classes. POT finds the plan of least cost between the two batches again at each step.
    """

    paper = "Damodaran et al. 2018, arXiv:1803.10081"
    family = "optimal transport"
    needs = "ot"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the exact plan (`ot.emd`) for the cost that is minimized, as in the paper.

        Its authors' code finds the plan by squared differences of predictions instead.
        """

        feature_trade_off: Annotated[float, LogUniform(1e-5, 1e-1), AMOUNT] = 0.001
        """Weight of squared distances between features, alpha in the paper; 0 for none."""
        class_trade_off: Annotated[float, LogUniform(1e-6, 1e-2), AMOUNT] = 0.0001
        """Weight of cross-entropies with source classes, lambda_t in the paper; 0 for none."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and the two costs of the plan."""
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
    """Compute the cross-entropy of each prediction with each class of `y`."""
    return -logits.log_softmax(1)[:, y].mT
