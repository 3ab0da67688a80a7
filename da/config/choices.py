"""Named values that settings choose from; what they stand for is computed elsewhere."""

from typing import Literal

Augment = Literal[
    "none", "crop", "crop_flip", "random_crop_flip", "center_crop_flip", "flip", "jitter", "strong"
]
"""How training images are changed at random, by `da.data.views`.

crop: a random resized crop. crop_flip: a crop, and half of the images mirrored. random_crop_flip: a
crop of the size of network input, center_crop_flip: the middle one, flip: the whole image, and half
of the images mirrored. jitter: crop_flip, and colors changed. strong: crop_flip, and some random
operations of RandAugment.
"""

TestCrop = Literal["center", "whole", "ten_crop"]
"""The part of a test image that is shown, by `da.data.transforms`."""

Interpolation = Literal["bilinear", "bicubic"]
"""How pixels between the stored ones are computed, by `da.data.transforms`."""

Fit = Literal["squash", "crop", "pad"]
"""How an image of any size becomes a square, by `da.data.decode`.

squash: without keeping its proportions. crop: its middle square. pad: whole, between black bars.
"""

Precision = Literal["fp32", "bf16"]
"""Number format of a network's computations: float32, or bfloat16 by autocast."""

MemoryFormat = Literal["channels_last", "contiguous"]
"""Order of an image's numbers in memory: all channels of a pixel, or all pixels of a channel."""

FeatureScore = Literal["mutual_information", "l1"]
"""Score by which `da.models.feature_selection` keeps columns of features."""

Schedule = Literal["constant", "cosine", "annealing"]
"""Course of the learning rate, which `da.training.lr_schedule` computes."""

BEGINNINGS = "pretrained", "random"
"""Weights that a backbone starts from, other than those of a finished run."""

OWN = "python:"
"""How names of the user's Python objects begin, of backbones and of tasks."""

ROWS = f"{OWN}rows"
"""Task of rows in memory, whose name does not say how many domains they are of."""
