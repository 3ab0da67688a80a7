"""A memory of the target's features and predictions, and searches for neighbors in it."""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.data.batch import Unlabeled
from da.data.domain import Images
from da.methods._target_pass import over_target
from da.methods.base import Method
from da.ops.precision import upcast


class Memory(nn.Module):
    """Features of length 1 and class probabilities of all target images, by their index.

    It is stored with the weights, and can be loaded whatever the number of images.

    Args:
        width: Number of features.
        classes: Number of classes.
    """

    f: Tensor
    """Features, `m d`, each row of length 1."""
    p: Tensor
    """Class probabilities, `m k`."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.register_buffer("f", torch.zeros(0, width))
        self.register_buffer("p", torch.zeros(0, classes))

    def fill(self, method: Method, target: Images) -> None:
        """Remember all images of the target as the method sees them now."""
        f = over_target(method, target, method.embed)
        with torch.no_grad():
            self.f, self.p = F.normalize(f), upcast(method.head(f)).softmax(1)

    @torch.no_grad()
    def update(self, method: Method, seen: Unlabeled) -> None:
        """Remember the images of a batch as the method sees them now, in evaluation mode."""
        with method.evaluation_mode():
            f = method.embed(seen.x)
            p = upcast(method.head(f)).softmax(1)
        self.f[seen.index], self.p[seen.index] = F.normalize(upcast(f)), p

    @torch.no_grad()
    def find_nearest(
        self, f: Float[Tensor, "b d"], count: int, without: Int[Tensor, "b"]
    ) -> Int[Tensor, "b _"]:
        """Return the index of the images that are most similar to each row of `f`, by cosine.

        Args:
            f: Features.
            count: Number of neighbors.
            without: Index of the image that each row is of, which is no neighbor of its own.
        """
        with torch.autocast(f.device.type, enabled=False):
            similarity = upcast(f) @ self.f.mT
        return similarity.scatter(1, without[:, None], -torch.inf).topk(count).indices

    def _load_from_state_dict(self, state: dict[str, Tensor], prefix: str, *args: Any) -> None:
        """Accept any number of images."""
        for name in ("f", "p"):
            if prefix + name in state:
                setattr(self, name, getattr(self, name).new_empty(state[prefix + name].shape))
        super()._load_from_state_dict(state, prefix, *args)


def require_images(images: int, **neighbors: int) -> None:
    """Refuse a target with too few images for some settings that count neighbors.

    Raises:
        ValueError: The target has no more images than one of them.
    """
    for name, count in neighbors.items():
        if images <= count:
            raise ValueError(
                f"{name} {count} needs more than {images} target images, known: below that"
            )
