"""Logits of changed target test images: two views of each, and mixtures of two."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from da.config.choices import Augment
from da.data.domain import Images, Task
from da.data.image_ops import scale
from da.data.views import augment_images
from da.methods import Method
from da.methods._class_weights import weigh_classes

SHARE = 0.55
"""Share of the image itself in a mixture (MixVal, Hu et al. 2023)."""

MOST = 10_000
"""Most test images of pixels that are changed: each change costs a pass of the network."""


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
    nor mixtures. The same images are changed alike at each evaluation.

    Args:
        method: Method that is evaluated.
        task: Task with its test images.
        target_logits: Logits of the unchanged images.
        augment: How pixels are changed for views; none is a random crop.
        device: Device of the computation.
    """
    images = task.target_test
    pixels = images.x.dtype == torch.uint8
    if not (pixels or images.x.is_floating_point()) or (pixels and len(images) > MOST):
        return {}

    def predict(see: Callable[[Tensor], Tensor]) -> Float[Tensor, "m k"]:
        rows = torch.arange(len(images)).split(256)
        with method.evaluation_mode():
            parts = [weigh_classes(method, method.predict(see(i))).float().cpu() for i in rows]
        return torch.cat(parts)

    found: dict[str, Tensor] = {}
    if views := _views(images, augment, device):
        found["target_views"] = torch.stack([predict(see) for see in views])
    partners = pair_images(target_logits.argmax(1))
    mixtures = [predict(_mixture(images, each, device)) for each in partners]
    return found | {"mixed_logits": torch.stack(mixtures), "mixed_with": partners}


def _views(
    images: Images, augment: Augment, device: torch.device
) -> list[Callable[[Tensor], Tensor]]:
    """Return two functions from places of images to a view of each; none where there are none."""
    if images.x.ndim == 3 and images.x.is_floating_point():
        last = images.x.shape[1]
        return [lambda i, v=v: images.take(i)[:, v].to(device) for v in (last - 2, last - 1)]
    if images.x.dtype != torch.uint8:
        return []
    draws = [torch.Generator().manual_seed(view) for view in range(2)]
    how: Augment = "crop" if augment == "none" else augment
    return [
        lambda i, draw=draw: augment_images(images.take(i).to(device), images.resize, how, draw)
        for draw in draws
    ]


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
