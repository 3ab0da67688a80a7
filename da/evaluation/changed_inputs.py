"""Logits of changed target test images: two views of each, and mixtures of two."""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from da.config.choices import Augment
from da.data.domain import Images, Task
from da.data.image_ops import scale
from da.data.views import augment_images
from da.evaluation.selectors._features import sample_rows
from da.methods import Method
from da.methods._class_weights import weigh_classes

SHARE = 0.55
"""Share of the image itself in a mixture (MixVal, Hu et al. 2023)."""

MOST = 2000
"""Most test images of pixels that are changed: each costs four more passes of the network."""


@torch.no_grad()
def logits(
    method: Method,
    task: Task,
    target_logits: Float[Tensor, "m k"],
    augment: Augment,
    device: torch.device,
) -> dict[str, Tensor]:
    """Return `target_views`, `mixed_logits` and `mixed_with`, as far as the images have them.

    Views are those that are stored of features, or random ones of pixels. Texts have neither views
    nor mixtures. The same images are changed alike at each evaluation. Of more than `MOST` images
    of pixels, evenly spaced ones are: others have no view, and -1 in `mixed_with`.

    Args:
        method: Method that is evaluated.
        task: Task with its test images.
        target_logits: Logits of the unchanged images.
        augment: How pixels are changed for views; none is a random crop.
        device: Device of the computation.
    """
    images = task.target_test
    pixels = images.x.dtype == torch.uint8
    if not (pixels or images.x.is_floating_point()):
        return {}
    rows = sample_rows(len(images), MOST) if pixels else torch.arange(len(images))

    def predict(see: Callable[[Tensor], Tensor]) -> Float[Tensor, "a k"]:
        with method.evaluation_mode():
            seen = (method.predict(see(i)) for i in rows.split(256))
            return torch.cat([weigh_classes(method, z).float().cpu() for z in seen])

    found: dict[str, Tensor] = {}
    if views := _views(images, augment, device):
        found["target_views"] = torch.stack([predict(see) for see in views])
    partners = pair_images(target_logits.argmax(1))
    mixed, mixed_with = torch.zeros(2, *target_logits.shape), torch.full_like(partners, -1)
    mixed[:, rows] = torch.stack([predict(_mixture(images, own, device)) for own in partners])
    mixed_with[:, rows] = partners[:, rows]
    return found | {"mixed_logits": mixed, "mixed_with": mixed_with}


def _views(
    images: Images, augment: Augment, device: torch.device
) -> list[Callable[[Tensor], Tensor]]:
    """Return two functions from places of images to a view of each; none where there are none."""
    if images.x.ndim == 3 and images.x.is_floating_point():
        last = images.x.shape[1]
        return [partial(_stored_view, images, view, device) for view in (last - 2, last - 1)]
    if images.x.dtype != torch.uint8:
        return []
    draws = [torch.Generator().manual_seed(view) for view in range(2)]
    how: Augment = "crop" if augment == "none" else augment
    return [partial(_random_view, images, how, draw, device) for draw in draws]


def _stored_view(
    images: Images, view: int, device: torch.device, i: Int[Tensor, "b"]
) -> Float[Tensor, "b d"]:
    return images.take(i)[:, view].to(device)


def _random_view(
    images: Images, how: Augment, draw: torch.Generator, device: torch.device, i: Int[Tensor, "b"]
) -> Shaped[Tensor, "b ..."]:
    return augment_images(images.take(i).to(device), images.resize, how, draw)


def _mixture(
    images: Images, partners: Int[Tensor, "m"], device: torch.device
) -> Callable[[Tensor], Tensor]:
    """Return a function from places of images to their mixtures; without a partner, the image."""

    def mix(i: Int[Tensor, "b"]) -> Shaped[Tensor, "b ..."]:
        with_ = torch.where(partners[i] < 0, i, partners[i])
        a, b = (images.to_input(at, device) for at in (i, with_))
        if a.dtype == torch.uint8:
            a, b = scale(a), scale(b)
        return SHARE * a + (1 - SHARE) * b

    return mix


def pair_images(predicted: Int[Tensor, "m"]) -> Int[Tensor, "2 m"]:
    """Return a partner of the same predicted class for each image, and one of another class.

    A partner is -1 where there is none. Partners depend on the predictions alone.
    """
    order = torch.randperm(len(predicted), generator=torch.Generator().manual_seed(0))
    shuffled = predicted[order]
    found = torch.full((2, len(predicted)), -1)
    for k in predicted.unique():
        inside = shuffled == k
        own, others = order[inside], order[~inside]
        if len(own) > 1:
            found[0, own] = own.roll(-1)
        if len(others):
            found[1, own] = others[torch.arange(len(own)) % len(others)]
    return found
