"""Source hypothesis transfer: adaptation by the source's classifier, without source images."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.config.limits import AMOUNT, COUNT
from da.config.ranges import LogUniform
from da.data.batch import Batch, TargetBatch
from da.data.domain import Images
from da.methods._target_pass import over_target
from da.methods.base import Losses, Method, Network, Scalar
from da.ops.functional import marginal_entropy, prediction_entropy


class SHOT(Method):
    """Move features until a fixed classifier is certain of them and uses all its classes.

    Raises ValueError where there is neither a neck nor a backbone to learn.
    """

    paper = "Liang et al. 2020, arXiv:2002.08546"
    family = "source-free"
    source_free = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the paper; the source model is that of the run in `init`.

        The source model of the paper smooths labels by 0.1. Differs from the authors' code: labels
        are computed again after the step that reaches a share of the run, not before it.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 0.3
        """Weight of the pseudo-labels' cross-entropy, beta in the paper; there 0.1 for digits."""
        refreshes: Annotated[int, COUNT] = 15
        """Number of times that pseudo-labels are computed in a run, as in the authors' code."""

    hp: Hparams
    labels: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        if not [*self.backbone.parameters(), *self.neck.parameters()]:
            raise ValueError("shot learns features, not with neck 0 on frozen ones: use a neck")
        self.head.requires_grad_(False)
        self.register_buffer("labels", torch.zeros(0, dtype=torch.long))

    def prepare_target(self, target: Images) -> None:
        """Keep the target images, and label them for the first time."""
        self.target, self.progress, self.found = target, 0.0, 0
        self.label()

    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return entropy and evenness of predictions, and the cross-entropy with pseudo-labels."""
        logits = self.predict(batch.target.x)
        self.progress = float(progress)
        pseudo = F.cross_entropy(logits, self.labels[batch.target.index])
        return {
            "entropy": prediction_entropy(logits).mean(),
            "evenness": -marginal_entropy(logits),
            "pseudo": self.hp.trade_off * pseudo,
        }

    def after_step(self) -> None:
        """Label all images again, at evenly spaced steps of the training."""
        if self.progress * self.hp.refreshes >= self.found:
            self.label()

    @torch.no_grad()
    def label(self) -> None:
        """Compute the pseudo-labels of all target images, in evaluation mode."""
        f = over_target(self, self.target, self.embed)
        self.labels = pseudo_labels(f, self.head(f).softmax(1))
        self.found += 1


def pseudo_labels(f: Float[Tensor, "m d"], p: Float[Tensor, "m k"]) -> Int[Tensor, "m"]:
    """Label each image by the nearest class center, by cosine, among the predicted classes.

    Centers are means of features: first weighted by the predictions `p`, then by the labels that
    follow from them (Liang et al. 2020, section 3.2). As in the authors' code, a constant 1 is
    appended to the features.
    """
    f = F.normalize(F.pad(f, (0, 1), value=1.0))
    weights, y, every = p, p.argmax(1), torch.arange(p.shape[1], device=p.device)
    for _ in range(2):
        centers = F.normalize(weights.mT @ f)
        absent = (y[:, None] != every).all(0)
        y = (f @ centers.mT).masked_fill(absent, -torch.inf).argmax(1)
        weights = (y[:, None] == every).to(f)
    return y
