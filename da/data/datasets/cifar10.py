"""CIFAR-10: 60,000 photographs of animals and vehicles in ten classes (Krizhevsky 2009).

Images are in color, 32 x 32 pixels: 50,000 for training and 10,000 for tests. A tenth of the
training images is held out for validation. A task is supervised, and is written `cifar10` or
`cifar10:PATH`.

The folder PATH, or `DA_DATA`, holds `cifar-10-batches-py` or `cifar-10-python.tar.gz`, as
torchvision leaves them. Where neither has them, the archive is fetched from its author's page.
"""

import hashlib
import io
import sys
from pathlib import Path

import numpy as np
from einops import rearrange
from jaxtyping import Int, UInt8

from da.data import paths, splits
from da.data.datasets._mnist import ArrayUnpickler
from da.data.domain import Domain, keep_domain, save_domain
from da.system import download
from da.system.cache import cache_home

SYNTAX = "[:PATH]"
DOMAINS = ("",)
ONE_DOMAIN = True
CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)

FOLDER = "cifar-10-batches-py"
TRAIN = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
}
TEST = {"test_batch": "40351d587109b95175f43aff81a1287e"}
"""MD5 of each file of test images, as torchvision publishes them; `TRAIN` has the others."""

ARCHIVE = "cifar-10-python.tar.gz"
URL = f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}"
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
"""SHA-256 of the archive."""

RECIPE = 1
"""Cache version. Increase it when rows or pixels change."""


pair = paths.optional_folder


def open_domain(name: str) -> Domain:
    """Open the 60,000 images of 32 x 32 pixels, which are read or fetched at the first call.

    Raises:
        ValueError: If a file is wrong, or if the archive is missing and cannot be fetched. Then the
            message has its address, and the place to put it.
    """

    def write(folder: Path) -> None:
        root = _root(name)
        print(f"cifar10: reading {root}, once", file=sys.stderr)
        (train, train_y), (test, test_y) = read_halves(root)
        x, y, tests = np.concatenate([train, test]), np.concatenate([train_y, test_y]), len(test)
        save_domain(folder, x, y, CLASSES, splits.split_published(y[: len(y) - tests], tests))

    return keep_domain(cache_home() / "cifar10" / f"pixels-{RECIPE}", write)


def _root(name: str) -> Path:
    """Return the folder of the files: `name`, if it is given.

    Otherwise it is `DA_DATA`, if that has the files, or else the cache.
    """
    if name:
        return paths.require_folder(name)
    data = paths.data_folder()
    there = data and any((data / file).exists() for file in (FOLDER, ARCHIVE))
    return data if data and there else cache_home() / "cifar10"


def read_halves(
    root: Path,
) -> list[tuple[UInt8[np.ndarray, "_ 32 32 3"], Int[np.ndarray, "_"]]]:
    """Read training and test images, and their classes, from a folder of the files or archive.

    Raises:
        ValueError: If a file is wrong, or the archive cannot be fetched.
    """
    batches = [[_batch(root, *item) for item in files.items()] for files in (TRAIN, TEST)]
    return [
        (np.concatenate([x for x, _ in some]), np.concatenate([y for _, y in some]))
        for some in batches
    ]


def _batch(
    root: Path, name: str, md5: str
) -> tuple[UInt8[np.ndarray, "n 32 32 3"], Int[np.ndarray, "n"]]:
    """Read the images and classes of one file, which must have this MD5."""
    file = root / FOLDER / name
    packed = _packed(root, name) if not file.exists() else file.read_bytes()
    if (found := hashlib.md5(packed, usedforsecurity=False).hexdigest()) != md5:
        raise ValueError(f"{file} has MD5 {found}, known: {md5}; get {URL} again")
    batch = ArrayUnpickler(io.BytesIO(packed)).load()
    x = rearrange(batch["data"], "n (c h w) -> n h w c", c=3, h=32)
    return x, np.array(batch["labels"], np.int64)


def _packed(root: Path, name: str) -> bytes:
    archive = download.download([URL], root / ARCHIVE, SHA256)
    return download.read_member(archive, f"{FOLDER}/{name}")
