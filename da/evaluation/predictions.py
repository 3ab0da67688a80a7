"""Predictions of a trained method for test images, and their accuracy."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from da.data.domain import Images, LabeledImages, Task
from da.data.transforms import Resize, ten_crops
from da.methods import Method
from da.methods._class_weights import weigh_classes
from da.methods._column_heads import find_heads
from da.methods._column_heads import predict_columns as column_logits


@dataclass(frozen=True)
class Predictions:
    """Outputs of a method for test images, with source classes but without target classes.

    Model selection gets this and nothing else, so it cannot peek at target classes. What a method
    or its data do not have is None; `da.evaluation.scores` says which selector needs what.
    """

    source_logits: Float[Tensor, "n k"]
    source_y: Int[Tensor, "n"]
    target_logits: Float[Tensor, "m k"]
    source_features: Float[Tensor, "n d"] | None = None
    """What the classifier sees of source images."""
    target_features: Float[Tensor, "m d"] | None = None
    """What the classifier sees of target images."""
    source_domain: Float[Tensor, "n"] | None = None
    """Logits of the discriminator that source images are of the source."""
    target_domain: Float[Tensor, "m"] | None = None
    """Logits of the discriminator that target images are of the source."""
    target_views: Float[Tensor, "2 a k"] | None = None
    """Logits of two changed views of each target image, or of evenly spaced ones."""
    mixed_logits: Float[Tensor, "2 m k"] | None = None
    """Logits of mixtures of two target images: of one predicted class, then of two classes."""
    mixed_with: Int[Tensor, "2 m"] | None = None
    """Row of the target image that has the smaller share of each mixture; -1 for no mixture."""
    head_weight: Float[Tensor, "k d"] | None = None
    """Weights of a linear classifier, in the coordinates of the features."""


def predict(method: Method, task: Task, *, device: torch.device | None = None) -> Predictions:
    """Return the logits of `method` for all test images, in evaluation mode.

    Args:
        method: Trained method.
        task: Task whose source and target test images are classified.
        device: Device of the computation; None for the CPU.

    Returns:
        Logits on the CPU in float32.
    """
    return Predictions(
        outputs(method, method.predict_source, task.source_test, device=device, crops=True),
        task.source_test.y,
        outputs(method, _weighed_target(method), task.target_test, device=device, crops=True),
    )


def _weighed_target(method: Method) -> Callable[[Tensor], Tensor]:
    return lambda x: weigh_classes(method, method.predict(x))


def predict_columns(
    method: Method, task: Task, *, device: torch.device | None = None
) -> dict[str, Predictions]:
    """Return the logits of the class, under the name "", and of each further label column.

    Arguments are those of `predict`.
    """
    if find_heads(method) is None:
        return {"": predict(method, task, device=device)}

    def logits(images: LabeledImages, source: bool) -> Float[Tensor, "b _"]:
        def apply(x: Tensor) -> Tensor:
            return torch.cat(column_logits(method, x, source=source), 1)

        return outputs(method, apply, images, device=device)

    source, target = logits(task.source_test, True), logits(task.target_test, False)
    k = len(task.classes)
    target = torch.cat([weigh_classes(method, target[:, :k]), target[:, k:]], 1)
    columns = task.source_test.columns
    sizes = [k, *(len(column.classes) for column in columns)]
    y = task.source_test.y, *(column.y[task.source_test.rows] for column in columns)
    each = zip(source.split(sizes, 1), y, target.split(sizes, 1), strict=True)
    names = "", *(column.name for column in columns)
    return {name: Predictions(*own) for name, own in zip(names, each, strict=True)}


@torch.no_grad()
def outputs(
    method: Method,
    function: Callable[[Tensor], Tensor],
    images: Images,
    *,
    device: torch.device | None = None,
    crops: bool = False,
) -> Float[Tensor, "b _"]:
    """Apply `function`, a part of `method`, to all images in evaluation mode.

    Args:
        method: Method that is put in evaluation mode meanwhile.
        function: Part of the method that maps a batch of images to rows of numbers.
        images: Images that are passed through `function`.
        device: Device of the computation; None for the CPU.
        crops: Whether `function` gives logits, which are averaged over the crops of an image where
            it is tested by several.

    Returns:
        One row for each image, on the CPU in float32.
    """
    place, resize = device or torch.device("cpu"), images.resize

    def see(i: Tensor) -> Tensor:
        if crops and resize.test_crop == "ten_crop":
            return average_crops(function, images.take(i).to(place), resize)
        return function(images.to_input(i, place))

    with method.evaluation_mode():
        parts = [see(i).float().cpu() for i in torch.arange(len(images)).split(256)]
    return torch.cat(parts)


def average_crops(
    function: Callable[[Tensor], Tensor], x: Shaped[Tensor, "b h w c"], resize: Resize
) -> Float[Tensor, "b k"]:
    """Return logits of the mean probabilities over ten crops of each image, as CDAN's code does.

    Args:
        function: Function from network input to logits.
        x: Images, as bytes or numbers in 0..1.
        resize: Size of network input.
    """
    each = [function(seen).float().log_softmax(1) for seen in ten_crops(x, resize)]
    return torch.stack(each).logsumexp(0) - math.log(len(each))


def online_accuracy(logits: Float[Tensor, "m k"], y: Int[Tensor, "m"]) -> float:
    """Return the accuracy, in percent, of predictions made while images streamed by.

    A row with NaN means that no prediction was made; such rows do not count. The accuracy is NaN
    where no prediction was made at all.
    """
    made = ~logits.isnan().any(1).cpu()
    return accuracy(logits.cpu()[made], y[made])


def accuracy(logits: Float[Tensor, "n k"], y: Int[Tensor, "n"]) -> float:
    """Return the percentage of rows whose largest logit is at class `y`."""
    return 100 * (logits.argmax(1) == y).float().mean().item()
