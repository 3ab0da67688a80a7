"""Batches of network input, made of stored images by the settings of a run."""

import torch
from torch import Tensor

from da.config.choices import Augment
from da.config.transforms import Transforms
from da.data.batch import Labeled, Unlabeled
from da.data.domain import Images, LabeledImages
from da.data.views import USUAL, add_strong, augment_images


class InputBuilder:
    """Turns stored images into network input; augmentation draws from `views`.

    Args:
        augment: How pixels are changed at random.
        device: Device of the input.
        transforms: Settings of the changes.
    """

    def __init__(self, augment: Augment, device: torch.device, transforms: Transforms = USUAL):
        self.augment, self.device = augment, device
        self.of_source, self.of_target = transforms, transforms.of_target
        self.views = torch.Generator()

    def _build(
        self, images: Images, i: Tensor, how: Transforms, strong: bool = False, plain: bool = False
    ) -> Tensor:
        view = add_strong if strong else augment_images
        augment = "none" if plain else self.augment
        if images.x.device.type == self.device.type == "cpu":
            rows = images.rows[i]
            return view(images.x, images.resize, augment, self.views, rows, how)
        x = images.take(i)
        if x.device.type == "cpu" and self.device.type == "cuda":
            x = x.pin_memory()  # so that the GPU copies it while the CPU goes on
        x = x.to(self.device, non_blocking=True)
        return view(x, images.resize, augment, self.views, None, how)

    def labeled(self, images: LabeledImages, i: Tensor) -> Labeled:
        """Return the images at places `i` with their labels."""
        columns = images.take_columns(i)
        if columns is not None:
            columns = columns.to(self.device, non_blocking=True)
        domain = images.take_domains(i)
        if domain is not None:
            domain = domain.to(self.device, non_blocking=True)
        y = images.take_y(i).to(self.device, non_blocking=True)
        return Labeled(self._build(images, i, self.of_source), y, columns, domain)

    def unlabeled(self, images: Images, i: Tensor, strong: bool = False) -> Unlabeled:
        """Return the images at places `i`, with a second view where `strong` asks for one."""
        how, index = self.of_target, i.to(self.device, non_blocking=True)
        plain = how.plain_target and images.x.dtype == torch.uint8
        seen = self._build(images, i, how, plain=plain)
        second = strong and images.x.dtype == torch.uint8
        return Unlabeled(
            seen, index, self._build(images, i, how, strong=not plain) if second else None
        )
