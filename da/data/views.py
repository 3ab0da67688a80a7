"""Random views of stored images, as network input for training."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from da.config.choices import Augment
from da.config.transforms import Transforms
from da.data.augment import cutout, jitter, rand_augment, recolor
from da.data.crops import Boxes, center_boxes, crop, place_boxes, random_boxes, select_rows
from da.data.stored_rows import StoredRows
from da.data.transforms import Pixels, Resize, crop_center, show_whole, to_eval_input
from da.system.threads import one_thread

UNSCALED: tuple[Augment, ...] = "random_crop_flip", "center_crop_flip", "flip"
"""Views that show images at the size at which evaluation does."""

_FIXED: dict[Augment, Callable[[Tensor, Resize], Pixels]] = {
    "center_crop_flip": crop_center,
    "flip": show_whole,
}
"""Views that a GPU does not sample; on a CPU the other way is faster, and as exact."""

USUAL = Transforms()
"""Settings of views where nothing is said."""


def is_random(x: Shaped[StoredRows, "b ..."], augment: Augment) -> bool:
    """Return whether `augment_images` draws random numbers.

    It does for pixels that are augmented, and for features of several views.
    """
    return augment != "none" if x.dtype == torch.uint8 else x.ndim == 3


def augment_images(
    x: Shaped[StoredRows, "n ..."],
    resize: Resize,
    augment: Augment,
    generator: torch.Generator,
    rows: Int[Tensor, "b"] | None = None,
    transforms: Transforms = USUAL,
) -> Shaped[Tensor, "b ..."]:
    """Turn stored images into network input for training, each with its own random changes.

    Features `b d` stay as they are. Of features `b v d`, one of its v views is drawn for each
    image.

    Args:
        x: Pixels as uint8, or features.
        resize: Size of network input, and how images are brought to it.
        augment: How pixels are changed at random.
        generator: Random numbers, on the CPU.
        rows: Rows of `x` to use; all if None. On a CPU this saves a copy of what is cropped.
        transforms: Settings of the changes.
    """
    if not is_random(x, augment):
        return to_eval_input(select_rows(x, rows), resize)
    if x.dtype != torch.uint8:
        return _draw_view(select_rows(x, rows), generator)
    seen = _crop(x, resize, augment, generator, rows, transforms)
    if augment == "jitter":
        return jitter(seen, generator)
    if augment == "strong":
        return _strengthen(seen, generator, transforms)
    return recolor(seen, generator, transforms)


def add_strong(
    x: Shaped[StoredRows, "n ..."],
    resize: Resize,
    augment: Augment,
    generator: torch.Generator,
    rows: Int[Tensor, "b"] | None = None,
    transforms: Transforms = USUAL,
) -> Shaped[Tensor, "b c s s"]:
    """Return the second view of images, which is strongly augmented.

    It is cropped and mirrored as `augment` says, where that does not scale images at random, and
    otherwise as crop_flip does. Arguments are those of `augment_images`.
    """
    geometry: Augment = augment if augment in UNSCALED else "crop_flip"
    seen = _crop(x, resize, geometry, generator, rows, transforms)
    return _strengthen(seen, generator, transforms)


def _strengthen(x: Pixels, generator: torch.Generator, how: Transforms) -> Pixels:
    """Apply operations of RandAugment, and then Cutout where it is asked for."""
    x = rand_augment(
        *(x, generator, how.strong_operations),
        how.strong_magnitude,
        how.strong_std,
        how.strong_probability,
    )
    return cutout(x, generator, how.cutout) if how.cutout else x


def _crop(
    x: Shaped[StoredRows, "n ..."],
    resize: Resize,
    augment: Augment,
    generator: torch.Generator,
    rows: Int[Tensor, "b"] | None,
    transforms: Transforms,
) -> Pixels:
    """Return the part of each image that its view shows, mirrored or not."""
    b = len(x if rows is None else rows)
    with one_thread():  # MKL uses all threads even for the root of 32 numbers
        boxes = _boxes(x.shape[1:3], b, resize, augment, generator, transforms)
        flip = torch.rand(b, generator=generator) < 0.5
    if augment in _FIXED and x.device.type != "cpu":
        return mirror(_FIXED[augment](select_rows(x, rows), resize), flip)
    return crop(x, boxes, flip & (augment != "crop"), resize, rows)


def _boxes(
    shape: Sequence[int],
    b: int,
    resize: Resize,
    augment: Augment,
    generator: torch.Generator,
    transforms: Transforms,
) -> Boxes:
    """Return the part of each image of that shape that its view shows."""
    if augment == "random_crop_flip":
        return place_boxes(shape, b, generator, resize)
    if augment == "center_crop_flip":
        return center_boxes(shape, b, resize)
    if augment == "flip":
        return torch.tensor([[0.0, 0, 1, 1]]).expand(b, 4)
    return random_boxes(b, generator, transforms.crop_scale)


def mirror(x: Pixels, flip: Bool[Tensor, "b"]) -> Pixels:
    """Mirror some images, and leave the others and `x` as they are."""
    return torch.where(flip[:, None, None, None].to(x.device, non_blocking=True), x.flip(3), x)


def _draw_view(x: Float[Tensor, "b v d"], generator: torch.Generator) -> Float[Tensor, "b d"]:
    b, v, _ = x.shape
    view = torch.randint(v, (b,), generator=generator)
    return x[torch.arange(b, device=x.device), view.to(x.device, non_blocking=True)]
