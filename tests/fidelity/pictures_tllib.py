"""What Transfer-Learning-Library makes of one picture by crops and flips that are given."""

import hashlib
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image
from torchvision import transforms

from tests.fidelity import inputs
from tests.fidelity.peer_tllib import opened

VIEWS: tuple[dict[str, Any], ...] = (
    {"resizing": "default", "box": [0, 0, 256, 256], "flip": False},
    {"resizing": "default", "box": [10, 20, 200, 180], "flip": False},
    {"resizing": "default", "box": [91, 3, 77, 101], "flip": True},
    {"resizing": "default", "box": [120, 150, 136, 106], "flip": True},
    {"resizing": "default", "box": [37, 64, 65, 70], "flip": False},
    {"resizing": "cen.crop", "box": [], "flip": False},
    {"resizing": "cen.crop", "box": [], "flip": True},
    {"resizing": "ran.crop", "box": [7, 29, 224, 224], "flip": True},
    {"resizing": "res.", "box": [], "flip": False},
    {"resizing": "validation", "box": [], "flip": False},
)
"""Ten views: how the picture is resized; top, left, height and width of the crop; mirrored or not.
"""

SAMPLED = 60
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def sample_view(x: torch.Tensor) -> torch.Tensor:
    """Return evenly spaced values of a view, channels first."""
    return x.flatten()[:: x.numel() // SAMPLED][:SAMPLED]


def record_pictures(path: Path) -> dict[str, Any]:
    """Return pixels of ten views of a picture, and the versions of what made them.

    Args:
        path: Clone of the library.
    """
    with opened(path):
        utils = import_module("utils")
        views = [summarize_view(_transform(utils, view), view) for view in VIEWS]
    versions = {"pillow": PIL.__version__, "torchvision": torchvision.__version__.partition("+")[0]}
    picture = hashlib.sha256(inputs.picture().tobytes()).hexdigest()
    return {"versions": versions, "picture": picture, "views": views}


def _transform(utils: Any, view: dict[str, Any]) -> torch.Tensor:
    """Return a view as the library's transform makes it, with a crop and a flip that are given."""
    if view["resizing"] == "validation":
        transform = utils.get_val_transform("default")
    else:
        transform = utils.get_train_transform(view["resizing"])
        _flips(transform).p = float(view["flip"])
    given = staticmethod(lambda *_: tuple(view["box"]))
    with (
        patch.object(transforms.RandomResizedCrop, "get_params", given),
        patch.object(transforms.RandomCrop, "get_params", given),
    ):
        return transform(Image.fromarray(inputs.picture()))


def _flips(transform: Any) -> Any:
    (found,) = [
        part for part in transform.transforms if isinstance(part, transforms.RandomHorizontalFlip)
    ]
    return found


def summarize_view(x: torch.Tensor, view: dict[str, Any]) -> dict[str, Any]:
    """Return the bytes of a view as a digest, and evenly spaced normalized values."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (MEAN, STD))
    pixels = ((x * std + mean) * 255).round().to(torch.uint8).numpy()
    return {
        **view,
        "shape": list(x.shape),
        "digest": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "values": [float(str(np.float32(value))) for value in sample_view(x).tolist()],
    }
