"""Files of digits as they are published, read to 32 x 32 pixels in color.

Gray digits of 28 pixels get two black pixels on each side, so that the middle 28 pixels are the
digits as they are. Those of USPS, which have 16 pixels, are enlarged to 28 before.
"""

import bz2
import gzip
import io
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, Num, UInt8
from PIL import Image

from da.data.datasets._array_files import Half
from da.data.datasets._mnist import ArrayUnpickler, to_rgb
from da.data.decode import decode_image
from da.system.extras import extra

SIDE = 32
INNER = 28
"""Pixels of a side of digits in gray, within a frame."""

_PickleErrors = (pickle.UnpicklingError, EOFError, TypeError, IndexError, AttributeError)


def read_libsvm(file: Path) -> Half:
    """Read USPS as LIBSVM has it: classes from 1 to 10, and 256 numbers from -1 to 1.

    Raises:
        ValueError: If a line has another form.
    """
    with bz2.open(file, "rt") as lines:
        rows = [line.split() for line in lines]
    x = np.full((len(rows), 256), -1.0)
    try:
        for row, (_, *values) in zip(x, rows, strict=True):
            places, numbers = zip(*(value.split(":") for value in values), strict=True)
            row[np.array(places, int) - 1] = np.array(numbers, float)
        y = np.array([int(row[0]) - 1 for row in rows])
    except (IndexError, ValueError) as error:
        raise ValueError(f"{file} is no USPS in LIBSVM's form: {error}") from error
    return from_16_pixels(x), check_digits(file, y)


def read_zip_codes(file: Path) -> Half:
    """Read USPS as `zip.train.gz` has it: a line of the digit and 256 numbers from -1 to 1.

    Raises:
        ValueError: If a line has another form.
    """
    with gzip.open(file, "rt") as lines:
        rows = np.loadtxt(lines, ndmin=2)
    if rows.shape[1] != 257:
        raise ValueError(f"{file} has lines of {rows.shape[1]} numbers, known: 257")
    return from_16_pixels(rows[:, 1:]), check_digits(file, rows[:, 0].astype(np.int64))


def from_16_pixels(x: Num[np.ndarray, "n 256"]) -> UInt8[np.ndarray, "n 32 32 3"]:
    """Make images of digits of 16 x 16 numbers from -1 to 1."""
    gray = ((x + 1) * 127.5).clip(0, 255).astype(np.uint8).reshape(-1, 16, 16)
    large = [
        Image.fromarray(each).resize((INNER, INNER), Image.Resampling.BILINEAR) for each in gray
    ]
    return to_pixels(np.stack([np.asarray(each) for each in large]))


def read_usps_pickle(file: Path) -> tuple[Half, Half]:
    """Read training and test images of `usps_28x28.pkl`, and refuse one that holds code.

    Raises:
        ValueError: If it holds anything but two pairs of images and classes.
    """
    data = file.read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    try:
        (x, y), (test_x, test_y) = ArrayUnpickler(io.BytesIO(data)).load()
    except (*_PickleErrors, ValueError) as error:
        raise ValueError(f"{file} is no pickle of images and classes: {error}") from error
    return as_half(file, x, y), as_half(file, test_x, test_y)


def read_mat(file: Path, *names: str) -> list[np.ndarray]:
    """Read some arrays of a file of MATLAB.

    Raises:
        ValueError: If it is damaged, or lacks one of them.
    """
    with extra("digits", "a data set in MATLAB's form"):
        from scipy.io import loadmat
    try:
        found = loadmat(file, variable_names=names)
    except Exception as error:  # scipy raises a dozen kinds for damaged files
        raise ValueError(f"cannot read {file}: {error}") from error
    if missing := [name for name in names if name not in found]:
        raise ValueError(f"{file} lacks the array {missing[0]!r}")
    return [found[name] for name in names]


def read_cropped(file: Path) -> Half:
    """Read SVHN or SynDigits: images along the last axis of `X`, and 10 for the digit 0 in `y`."""
    x, y = read_mat(file, "X", "y")
    return as_half(file, x.transpose(3, 0, 1, 2), y.astype(np.int64) % 10)


def read_listed(list_file: Path, places: Sequence[Path], side: int) -> Half:
    """Read the images that a list names, each with the digit after its path.

    Args:
        list_file: The list.
        places: Folders under which the paths may be; of a longer path its last two parts count.
        side: Pixels a side of the images.

    Raises:
        ValueError: If a line has another form, or an image is missing.
    """
    lines = [line.split() for line in list_file.read_text().splitlines() if line.strip()]
    for line in lines:
        if len(line) != 2 or not line[1].isdigit():
            raise ValueError(f"{list_file} has the line {' '.join(line)!r}, known: PATH 0 to 9")
    names = [Path(line[0]) for line in lines]
    folders = [p for p in places if lines and (p / _last_two(names[0])).is_file()]
    if not folders:
        raise ValueError(f"no image of {list_file} is under {', '.join(map(str, places))}")
    x = np.stack([decode_image(folders[0] / _last_two(name), side) for name in names])
    return as_half(list_file, x, np.array([int(line[1]) for line in lines]))


def _last_two(name: Path) -> Path:
    return Path(*name.parts[-2:])


def as_half(file: Path, x: Any, y: Any) -> Half:
    """Return images as pixels, and classes as numbers, also those that are one of ten columns.

    Raises:
        ValueError: If these are no digits with a class each.
    """
    x, y = np.asarray(x), np.asarray(y)
    y = y.argmax(1) if y.ndim == 2 and y.shape[1] == 10 else y.reshape(-1)
    if len(x) != len(y):
        raise ValueError(f"{file} has {len(x)} images and {len(y)} classes")
    return to_pixels(x), check_digits(file, y.astype(np.int64))


def check_digits(file: Path, y: Int[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
    """Return the digits of a file.

    Raises:
        ValueError: If there are none, or some are no digits.
    """
    if not len(y) or not 0 <= y.min() <= y.max() <= 9:
        raise ValueError(f"{file} has classes {sorted({*y.tolist()})[:12]}, known: digits 0 to 9")
    return y


def to_pixels(x: Num[np.ndarray, "..."]) -> UInt8[np.ndarray, "n 32 32 3"]:
    """Make images in color with a frame of gray ones or of floats, with channels first or last."""
    if x.dtype.kind == "f":
        x = (x * (255 if x.size and x.max() <= 1 else 1)).clip(0, 255).astype(np.uint8)
    if x.ndim == 2:  # rows of pixels
        side = round(x.shape[1] ** 0.5)
        x = x.reshape(-1, side, side)
    if x.ndim == 4 and x.shape[1] in (1, 3) and x.shape[3] not in (1, 3):
        x = x.transpose(0, 2, 3, 1)
    x = to_rgb(x.reshape(x.shape[:3])) if x.ndim == 3 or x.shape[3] == 1 else x
    frame = (SIDE - x.shape[1]) // 2
    return np.pad(x, ((0, 0), (frame, frame), (frame, frame), (0, 0)))
