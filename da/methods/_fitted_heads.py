"""Classifiers of mapped features that are fitted at once, without training steps."""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.models.network import mlp
from da.ops.classifiers import fit_linear
from da.ops.linalg import squared_distances
from da.ops.propagation import (
    mean_neighbor_distance,
    near_affinities,
    normalize_mass,
    spread_labels,
)
from da.ops.strengths import choose_strength

LINEAR = "logistic", "ridge", "svm"
"""Classifiers that are linear layers, with a penalty of some strength."""

NEIGHBORS = 7
SHARE = 0.99
"""Number of neighbors in the graph of label propagation, and share that comes from them."""

LEAST = 1e-12
"""Smallest share of a class that label propagation finds."""


def build_classifier(kind: str, width: int, classes: int) -> nn.Module:
    """Build the untrained classifier of a mapping.

    Args:
        kind: Name of the classifier, `trained` for one that training steps move.
        width: Width of mapped features.
        classes: Number of classes.
    """
    if kind in ("trained", *LINEAR):
        return mlp(width, (), classes).requires_grad_(kind == "trained")
    return (Nearest if kind == "nearest" else Propagation)(width, classes)


class _Stored(nn.Module):
    """A classifier that compares images with stored ones, of any number."""

    anchors: Tensor
    given: Tensor
    """What is known of the class of each stored image."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.width, self.classes = width, classes
        self.register_buffer("anchors", torch.zeros(0, width))
        self.scale = nn.Parameter(torch.ones(()), requires_grad=False)

    def _load_from_state_dict(self, state: dict[str, Tensor], prefix: str, *args: Any) -> None:
        """Accept any number of images."""
        for name in ("anchors", "given"):
            if prefix + name in state:
                shape = state[prefix + name].shape
                if shape[1:] == getattr(self, name).shape[1:]:
                    setattr(self, name, getattr(self, name).new_empty(shape))
        super()._load_from_state_dict(state, prefix, *args)


class Nearest(_Stored):
    """The class of the nearest source image.

    A logit is minus the squared distance of the nearest image of a class, divided by the mean of
    that of target images to their nearest source image.
    """

    def __init__(self, width: int, classes: int):
        super().__init__(width, classes)
        self.register_buffer("given", torch.zeros(0, dtype=torch.int64))

    def fit(
        self, f_s: Float[Tensor, "n d"], y_s: Int[Tensor, "n"], f_t: Float[Tensor, "m d"]
    ) -> None:
        """Store the source images."""
        self.anchors, self.given = f_s, y_s
        parts = f_t.split(4096)
        nearest = torch.cat([squared_distances(part, f_s).min(1).values for part in parts])
        self.scale.data.fill_(nearest.mean().clamp_min(LEAST))

    def forward(self, f: Float[Tensor, "b d"]) -> Float[Tensor, "b k"]:
        """Return a logit for each class."""
        distances = squared_distances(f.to(self.anchors), self.anchors)
        far = torch.finfo(distances.dtype).max / 1e6
        each = [
            distances.masked_fill(self.given != k, far).amin(1, keepdim=True)
            for k in range(self.classes)
        ]
        return -torch.cat(each, 1) / self.scale


class Propagation(_Stored):
    """Label propagation along a graph of source and target images (Zhou et al. 2004).

    All classes have the same mass (Zhu et al. 2003). A new image has the mean of its nearest
    images in the graph, by affinity (Delalleau et al. 2005). Logits are logarithms.
    """

    def __init__(self, width: int, classes: int):
        super().__init__(width, classes)
        self.register_buffer("given", torch.zeros(0, classes))

    def fit(
        self, f_s: Float[Tensor, "n d"], y_s: Int[Tensor, "n"], f_t: Float[Tensor, "m d"]
    ) -> None:
        """Store all images, with the classes that arrive at each."""
        f, y = torch.cat([f_s, f_t]), F.pad(y_s, (0, len(f_t)), value=-1)
        width = mean_neighbor_distance(f, NEIGHBORS)
        near = near_affinities(f, f, width, NEIGHBORS + 1)
        arrived = spread_labels(near, y, self.classes, SHARE)
        self.anchors, self.given = f, normalize_mass(arrived).to(f)
        self.scale.data.copy_(width)

    def forward(self, f: Float[Tensor, "b d"]) -> Float[Tensor, "b k"]:
        """Return a logit for each class."""
        near = near_affinities(f.to(self.anchors), self.anchors, self.scale, NEIGHBORS)
        return F.normalize(near @ self.given, p=1, dim=1, eps=LEAST).clamp_min(LEAST).log()


def fit_classifier(
    head: nn.Module,
    settings: Any,
    f_s: Float[Tensor, "n d"],
    y_s: Int[Tensor, "n"],
    f_t: Float[Tensor, "m d"],
    classes: int,
) -> float:
    """Fit the classifier of a mapping, and return the strength of its penalty; 0 for none.

    Args:
        head: Classifier, as `build_classifier` builds it.
        settings: Settings of the mapping.
        f_s: Mapped features of all source training images.
        y_s: Their classes.
        f_t: Mapped features of all target training images.
        classes: Number of classes.
    """
    if isinstance(head, Nearest | Propagation):
        head.fit(f_s, y_s, f_t)
        return 0.0
    kind = settings.classifier
    strength = settings.strength or choose_strength(
        kind, settings.strength_by, (f_s, y_s), f_t, classes
    )
    (layer,) = head.children()
    weights = fit_linear(kind, f_s, y_s, classes, [strength])[0]
    layer.weight.data.copy_(weights[:, :-1])  # type: ignore[operator]
    layer.bias.data.copy_(weights[:, -1])  # type: ignore[operator]
    return strength
