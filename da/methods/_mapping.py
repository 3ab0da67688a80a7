"""Base class of closed-form mappings: fixed features, a map for each domain, a classifier."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.config.limits import AMOUNT
from da.config.ranges import LogUniform
from da.data.batch import Batch
from da.data.domain import Images, LabeledImages
from da.methods._fitted_heads import build_classifier, fit_classifier
from da.methods.base import Losses, Method, Network


class Mapping(Method):
    """Base class of methods that map features once, and fit a classifier to those of the source.

    The features must not move, so the backbone is frozen. A subclass computes what its maps need in
    `find`, stores it in buffers, and applies it in `map_target` (and `map_source`, where it
    differs). The size of a buffer may depend on the number of images. The neck, dropout and the
    hidden layers of the head are not used.

    The classifier is fitted to convergence in `prepare`, so a run ends after one step that moves
    nothing, unless it is `trained`.
    """

    frozen_only = True
    batchable: ClassVar[tuple[str, ...] | None] = ()

    @dataclass(frozen=True, kw_only=True)
    class Hparams(Method.Hparams):
        """Settings of the classifier, which is the same for all mappings."""

        first_defaults: ClassVar[Dictionary[str, Any]] = {"classifier": "trained"}

        classifier: Literal["logistic", "ridge", "svm", "nearest", "propagation", "trained"] = (
            "logistic"
        )
        """Classifier of mapped features.
        logistic: multinomial logistic regression with an L2 penalty, fitted to convergence.
        ridge: least squares with an L2 penalty, by the class as 1 and others as -1.
        svm: linear, each class against all others, with a squared hinge and an L2 penalty.
        nearest: the class of the nearest source image.
        propagation: labels that spread along a graph of near images of both domains.
        trained: a linear layer, moved by the training steps of the run.
        """
        strength: Annotated[float, LogUniform(0.01, 10_000), AMOUNT] = 0.0
        """Weight of the L2 penalty: 1 / C in scikit-learn, alpha of its ridge; 0 to choose it."""
        strength_by: Literal["cross_validation", "reverse", "infomax"] = "cross_validation"
        """How `strength` 0 is chosen, among powers of 10 from 0.01 to 100,000.
        cross_validation: the largest with a loss on held-out source images within one standard
        error of the least, in five parts.
        reverse: the one by which a classifier of the predictions for the target is best on the
        source.
        infomax: the one with the surest and most diverse predictions for the target.
        """

        @property
        def trains(self) -> bool:
            """Whether training steps move the classifier."""
            return self.classifier == "trained"

        def contradictions(self) -> dict[str, bool]:
            """Refuse a strength where there is no penalty, and two ways to set it."""
            penalized = self.classifier in ("logistic", "ridge", "svm")
            return {
                f"classifier {self.classifier} has no penalty, known: strength 0": (
                    not penalized and self.strength != 0
                ),
                f"strength_by {self.strength_by} needs strength 0 and classifier logistic, ridge "
                "or svm": (
                    self.strength_by != "cross_validation" and (self.strength != 0 or not penalized)
                ),
            }

    hp: Hparams
    penalty: float = 0.0
    """Strength of the classifier's penalty, once it is fitted; 0 for none."""

    def __init__(self, hp: Method.Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, Network(neck=0, dropout=0, bn=network.bn))
        kind = self.hp.classifier
        self.head = build_classifier(kind, self.mapped_width(), classes)  # type: ignore[assignment]

    def mapped_width(self) -> int:
        """Return the width of mapped features."""
        return self.width

    def find(self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> None:
        """Set the buffers that the maps need, from all training features of both domains."""
        raise NotImplementedError

    def find_by_class(
        self, f_s: Float[Tensor, "n d"], y_s: Int[Tensor, "n"], f_t: Float[Tensor, "m d"]
    ) -> None:
        """Do the same as `find`, for maps that also need the classes of source images.

        Override this in place of `find` where they do. By default, the classes are not used.

        Args:
            f_s: Features of all source training images.
            y_s: Their classes.
            f_t: Features of all target training images.
        """
        self.find(f_s, f_t)

    def map_source(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Map source features. By default, both domains are mapped in the same way."""
        return self.map_target(x)

    def map_target(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Map target features."""
        raise NotImplementedError

    @torch.no_grad()
    def prepare(self, source: LabeledImages, target: Images) -> None:
        """Compute the maps from all training images, and fit the classifier to mapped ones."""
        place = next(self.head.parameters())
        f_s, f_t = (
            self.backbone(images.to_input(torch.arange(len(images)), place.device))
            for images in (source, target)
        )
        y_s = source.y.to(place.device)
        self.find_by_class(f_s, y_s, f_t)
        if not self.hp.trains:
            rows = self.map_source(f_s), y_s, self.map_target(f_t)
            self.penalty = fit_classifier(self.head, self.hp, *rows, self.classes)

    def forward(self, batch: Batch, progress: float | Tensor) -> Losses:
        """Return the cross-entropy of mapped source features."""
        return {"task": self.task_loss(self.predict_source(batch.source.x), batch.source.y)}
