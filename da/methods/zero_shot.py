"""Zero-shot classification by the names of classes."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from da.data.batch import Batch
from da.methods.base import Losses, Method, Network, Scalar


class ZeroShot(Method):
    """Classify images by the text that names each class, without any training."""

    paper = "Radford et al. 2021, arXiv:2103.00020"
    family = "zero-shot"
    blind = True
    takes_names = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """The default is the template of the paper for images of all kinds.

        Raises:
            ValueError: Where a template has no place for the name, which is `{}`.
        """

        templates: tuple[str, ...] = ("a photo of a {}.",)
        """Sentences with {} for the name of a class; the embeddings of several are averaged."""

        def contradictions(self) -> dict[str, bool]:
            """Refuse templates without a place for the name."""
            given = self.templates if isinstance(self.templates, tuple | list) else ()
            wrong = [x for x in given if not isinstance(x, str) or x.count("{}") != 1]
            return {
                f"template {wrong[:1]} has no place for the name of a class, known: "
                "as in 'a photo of a {}.'": bool(wrong),
                "templates are a tuple of one or more, as in ('a photo of a {}.',)": not given,
            }

    hp: Hparams
    head: "Cosines"  # type: ignore[assignment]

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, Network(neck=0, dropout=0, bn=network.bn))
        self.head = Cosines(self.width, classes)
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> "ZeroShot":
        """Stay in evaluation mode: statistics and dropouts do not move either."""
        super().train(False)
        self.training = mode
        return self

    def take_names(self, texts: Float[Tensor, "k d"], scale: float) -> None:
        """Classify by the embeddings of texts, one a class, and a factor of cosines with them."""
        self.head.texts.data.copy_(texts)
        self.head.scale.data.fill_(scale)

    @torch.no_grad()
    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, which moves nothing."""
        return {"task": self.task_loss(self.predict(batch.source.x), batch.source.y)}


class Cosines(nn.Module):
    """A classifier by cosines with the embedding of each class."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.texts = nn.Parameter(torch.zeros(classes, width))
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, f: Float[Tensor, "b d"]) -> Float[Tensor, "b k"]:
        """Return scaled cosines as logits."""
        return self.scale * F.normalize(f.float(), dim=1) @ F.normalize(self.texts, dim=1).mT
