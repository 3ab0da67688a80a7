"""CIFAR-10 and STL-10: the nine classes that both have, in color (French et al. 2018).

Images have 32 x 32 pixels; those of STL-10 are shrunk from 96. CIFAR-10 (`cifar`) has 45,000
training and 9,000 test images of these classes, without frogs, and STL-10 (`stl`) 4,500 and 7,200,
without monkeys. Training images are trained on, and test images tested on.

`DA_DATA` holds the files of their authors, or their archives: `cifar-10-batches-py` or
`cifar-10-batches-bin`, and `stl10_binary`. The folders of Dassl are read too, such as
`cifar_stl/stl/train/0_airplane`. `da data cifar_stl` fetches both archives.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image

from da.config.validation import plain_name
from da.data.datasets import _cifar10_files as cifar_files
from da.data.datasets import cifar10
from da.data.datasets._array_files import (
    Form,
    Half,
    Kind,
    check_domains,
    explain_missing,
    find_form,
    keep_halves,
)
from da.data.datasets._class_folders import subfolders
from da.data.datasets._fetch import Origin
from da.data.datasets._find_published import set_folders
from da.data.decode import decode_image, decode_picture
from da.data.domain import Domain
from da.data.image_files import find_images
from da.system.archives import read_members
from da.system.remote_files import RemoteFile

DOMAINS = ("cifar", "stl")
CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "horse", "ship", "truck"),
)
STL = (
    *("airplane", "bird", "automobile", "cat", "deer"),
    *("dog", "horse", "monkey", "ship", "truck"),
)
"""Classes of STL-10 in its order, by the names of CIFAR-10."""

SIDE, STL_SIDE = 32, 96
COUNTS = {"cifar": (45_000, 9000), "stl": (4500, 7200)}
"""Published numbers of training and test images."""

TITLES = "cifar_stl", "cifar10", "cifar", "stl10", "stl"
PARTS = "train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin"
STL_ARCHIVE = "stl10_binary.tar.gz"
ORIGIN = Origin(
    "cifar_stl",
    "that of the authors of both: read it on their pages first",
    (
        RemoteFile(
            cifar10.ARCHIVE, cifar10.URL, digest=f"sha256:{cifar10.SHA256}", domains=("cifar",)
        ),
        RemoteFile(
            STL_ARCHIVE,
            f"http://ai.stanford.edu/~acoates/stl10/{STL_ARCHIVE}",
            digest="md5:91f7769df0f17e558f3565bffb0c7dfb",
            domains=("stl",),
        ),
    ),
    TITLES[1:],
)


def open_domain(name: str) -> Domain:
    """Open a domain as 32 x 32 color images, training images first; read at the first call.

    Raises:
        ValueError: If its files are not here, or one is wrong.
    """
    if (form := _find(name)) is None:
        files = {f.name: f.origin for f in ORIGIN.files if name in f.domains}
        raise ValueError(explain_missing("cifar_stl", name, files, "cifar_stl"))
    return keep_halves("cifar_stl", name, form, CLASSES)


def fetch() -> Iterator[str]:
    """Fetch what is missing, and give a line on the license and on each file."""
    yield from ORIGIN.fetch([name for name in DOMAINS if not _find(name)])


def check() -> Iterator[str]:
    """Give a line on each archive that is here and on each domain: numbers of images."""
    yield from ORIGIN.check()
    yield from check_domains("cifar_stl", DOMAINS, open_domain, COUNTS)


def _find(name: str) -> Form | None:
    """Find the files of a domain in one of their forms."""
    return find_form(TITLES, KINDS[name]) or _find_folders(name)


def _share_cifar(halves: tuple[Half, ...]) -> tuple[Half, ...]:
    return tuple(_share(x, y, cifar10.CLASSES) for x, y in halves)


def _read_stl(files: Sequence[Path]) -> tuple[Half, ...]:
    """Read STL-10, whose pixels go down each column, and whose classes begin at 1."""
    packed = files[0].name == STL_ARCHIVE
    data = read_members(files[0], PARTS) if packed else [file.read_bytes() for file in files]
    halves = []
    for pixels, labels in (data[:2], data[2:]):
        x = cifar_files.shape_rows(files[0], pixels, 3 * STL_SIDE**2).reshape(
            -1, 3, STL_SIDE, STL_SIDE
        )
        y = np.frombuffer(labels, np.uint8).astype(np.int64) - 1
        if len(x) != len(y):
            raise ValueError(f"{files[0]} goes with {len(y)} classes, and has {len(x)} images")
        x, y = _share(x.transpose(0, 3, 2, 1), y, STL)
        halves.append((np.stack([decode_picture(Image.fromarray(each), SIDE) for each in x]), y))
    return tuple(halves)


def _share(x: UInt8[np.ndarray, "n _ _ 3"], y: Int[np.ndarray, "n"], names: Sequence[str]) -> Half:
    """Leave out images of the class that the other domain lacks, and number the classes as ours."""
    known = np.array([CLASSES.index(name) if name in CLASSES else -1 for name in names])
    new = known[y]
    return x[new >= 0], new[new >= 0]


def _find_folders(name: str) -> Form | None:
    """Find the folders of a domain as Dassl has them, whose names end in those of classes."""
    halves = [
        [root / name / part for part in ("train", "test")] for root in set_folders(TITLES[:1])
    ]
    here = [places for places in halves if all(place.is_dir() for place in places)]
    if not here:
        return None
    folders = [*map(subfolders, here[0])]
    files = [find_images(some).images for some in folders]
    every = [file for half in files for some in half for file in some]
    return Form(every, lambda: tuple(map(_read_folders, folders, files)))


def _read_folders(folders: Sequence[Path], files: Sequence[Sequence[Path]]) -> Half:
    """Read the images of class folders.

    Raises:
        ValueError: If a class has no folder.
    """
    labels = [plain_name(folder.name.rpartition("_")[2]) for folder in folders]
    labels = ["automobile" if label == "car" else label for label in labels]
    if missing := {*CLASSES} - {*labels}:
        raise ValueError(
            f"{folders[0].parent if folders else '?'} lacks the class {min(missing)!r}"
        )
    rows = [
        (file, CLASSES.index(label))
        for label, some in zip(labels, files, strict=True)
        for file in some
        if label in CLASSES
    ]
    x = np.stack([decode_image(file, SIDE) for file, _ in rows])
    return x, np.array([y for _, y in rows])


KINDS = {
    "cifar": tuple(kind.map(_share_cifar) for kind in cifar_files.KINDS),
    "stl": (
        Kind([f"stl10_binary/{name}" for name in PARTS], _read_stl),
        Kind([STL_ARCHIVE], _read_stl),
    ),
}
"""The forms in which each domain is published."""
