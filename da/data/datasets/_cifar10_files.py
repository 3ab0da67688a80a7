"""CIFAR-10 in the forms in which it is published: batches, their archive, and binary files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from da.data.datasets import cifar10
from da.data.datasets._array_files import Half, Kind

BATCHES = (*cifar10.TRAIN, *cifar10.TEST)


def shape_rows(file: Path, data: bytes, width: int) -> UInt8[np.ndarray, "_ _"]:
    """Shape bytes of a file as rows of a width.

    Raises:
        ValueError: If there is another number of bytes.
    """
    if not data or len(data) % width:
        raise ValueError(f"{file} has {len(data):,} bytes, known: a multiple of {width:,}")
    return np.frombuffer(data, np.uint8).reshape(-1, width)


def _read(files: Sequence[Path]) -> tuple[Half, ...]:
    """Read training and test images from the folder of batches, or from the archive itself."""
    root = files[0].parent if files[0].name == cifar10.ARCHIVE else files[0].parents[1]
    return tuple(cifar10.read_halves(root))


def _read_binary(files: Sequence[Path]) -> tuple[Half, ...]:
    """Read training and test images: a byte of the class, and the pixels of each color."""
    rows = [shape_rows(file, file.read_bytes(), 3073) for file in files]
    halves = np.concatenate(rows[:-1]), rows[-1]
    return tuple(
        (half[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), half[:, 0].astype(np.int64))
        for half in halves
    )


KINDS = (
    Kind([f"{cifar10.FOLDER}/{name}" for name in BATCHES], _read),
    Kind([cifar10.ARCHIVE], _read),
    Kind(
        [f"cifar-10-batches-bin/{name}.bin" for name in BATCHES], _read_binary, ["cifar-10-binary"]
    ),
)
"""Forms of training and test images."""
