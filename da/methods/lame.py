"""Laplacian adjusted maximum-likelihood estimation."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from da.config.limits import COUNT
from da.config.ranges import Choice
from da.data.batch import Batch, TargetBatch
from da.methods._streaming import Streaming
from da.methods.base import Losses, Method, Scalar
from da.ops.functional import prediction_entropy


class LAME(Streaming):
    """Correct the predictions of a batch so that images with near features agree.

    No weight moves: only predictions of the stream are corrected, and after it the network is that
    of the source.
    """

    paper = "Boudiaf et al. 2022, arXiv:2201.05718"
    family = "test-time"
    source_free = True
    streams = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """The three affinities of the paper, with 5 neighbors as in the authors' code.

        It gains where near images of a batch are likely of one class, as in streams sorted by
        class. With `rbf` and `linear`, every image pulls every other: on features of little spread
        a shuffled batch falls into one class.
        """

        affinity: Literal["knn", "rbf", "linear"] = "knn"
        """How near two images are.
        knn: 1 for each of the `neighbors` nearest images, else 0.
        rbf: Gaussian kernel; its width is the mean distance to the neighbor number `neighbors`.
        linear: cosine of the features.
        """
        neighbors: Annotated[int, Choice(1, 3, 5, 10), COUNT] = 5
        """Neighbors of an image; for rbf the image itself is the first, as in the authors' code."""
        iterations: Annotated[int, COUNT] = 100
        """Largest number of rounds of the correction, which ends when its energy stays."""

    hp: Hparams

    @torch.no_grad()
    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return the entropy of the corrected predictions, which nothing minimizes."""
        f = self.embed(batch.target.x)
        near = affinities(F.normalize(f.float()), self.hp.affinity, self.hp.neighbors)
        p = smooth_predictions(self.head(f).float().softmax(1), near, self.hp.iterations)
        logits = p.clamp_min(1e-20).log()
        self.keep(batch.target, logits)
        return {"entropy": prediction_entropy(logits).mean()}


def affinities(f: Float[Tensor, "b d"], kind: str, neighbors: int) -> Float[Tensor, "b b"]:
    """Return how near each two images are (Boudiaf et al. 2022, section 4).

    Args:
        f: Features of length 1.
        kind: `knn`, `rbf` or `linear`.
        neighbors: Neighbors of an image.
    """
    if kind == "linear":
        return f @ f.mT
    distance = (f[:, None] - f).norm(dim=2)
    if kind == "rbf":
        nearest = distance.topk(min(neighbors, len(f)), largest=False).values
        width = nearest[:, -1].mean().clamp_min(1e-12)
        return (-distance.square() / (2 * width.square())).exp()
    nearest = distance.topk(min(neighbors + 1, len(f)), largest=False).indices[:, 1:]
    return torch.zeros_like(distance).scatter(1, nearest, 1.0)


def smooth_predictions(
    p: Float[Tensor, "b k"], near: Float[Tensor, "b b"], iterations: int
) -> Float[Tensor, "b k"]:
    """Return predictions that stay near `p` and agree between near images (eq. 6 and 9 there).

    Each round maximizes a bound of the objective: z = softmax(log p + W z).

    Args:
        p: Predicted class probabilities.
        near: How near each two images are, W.
        iterations: Largest number of rounds.
    """
    own = (p + 1e-10).log()
    z, before = own.softmax(1), torch.inf
    for i in range(iterations):
        pull = near @ z
        z = (own + pull).softmax(1)
        energy = (z * (z.clamp_min(1e-20).log() - own - pull)).sum().item()
        if i > 1 and abs(energy - before) <= 1e-8 * abs(before):
            break
        before = energy
    return z
