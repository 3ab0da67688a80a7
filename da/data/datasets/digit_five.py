"""Digit-Five: ten digits of five kinds, 25,000 to train and 9,000 to test on (Peng et al. 2019).

Its domains are MNIST (`mt`), MNIST-M (`mm`), SVHN (`sv`), synthetic digits (`sy`) and USPS (`up`).
A task of several sources is `digit_five:mt,up,sv,sy-mm`. Images are in color, 32 x 32 pixels;
`--side 28` shows their middle, as LeNet needs it. Its MNIST-M is not that of its authors.

Of each domain 25,000 training images are drawn, the same in each run, and the first 9,000 test
images are taken. All 10,000 test images of MNIST count, but 9,000 in the folders of Dassl, and all
9,298 images of USPS.

A folder `digit_five`, `Digit-Five` or `digit5` under `DA_DATA` holds the files of M3SDA, such as
`mnist_data.mat`, or the folders that Dassl makes of them, such as `mnist_m/train_images`.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from da.config.validation import plain_name
from da.data import splits
from da.data.datasets import _digit_files as read
from da.data.datasets._array_files import (
    Form,
    Half,
    Kind,
    check_domains,
    choose_rows,
    explain_missing,
    find_form,
    keep_halves,
)
from da.data.datasets._fetch import Origin
from da.data.datasets._find_published import set_folders
from da.data.decode import decode_image
from da.data.domain import Domain
from da.data.image_files import find_images
from da.system.remote_files import RemoteFile

DOMAINS = ("mt", "mm", "sv", "sy", "up")
CLASSES = tuple("0123456789")
DEFECTS = (
    "Its MNIST-M is made anew, and is not that of the authors of DANN.",
    "Dassl draws 9,000 test images of MNIST, M3SDA takes all 10,000.",
    "Dassl repeats the training images of USPS three times; here each counts once.",
)
TITLES = "digit_five", "digit5", "digits5", "Digits-Five"
MOST = 25_000, 9000
"""Most training and test images of a domain."""

COUNTS = {"mt": (25_000, 10_000), "up": (7438, 1860)}
"""Numbers of training and test images; `MOST` for the other domains."""


class Arrays(NamedTuple):
    """Names of the file of a domain, and of arrays in it: images and classes to train and test."""

    file: str
    names: tuple[str, str, str, str]


MATS = {
    "mt": Arrays("mnist_data.mat", ("train_32", "label_train", "test_32", "label_test")),
    "mm": Arrays("mnistm_with_label.mat", ("train", "label_train", "test", "label_test")),
    "sy": Arrays("syn_number.mat", ("train_data", "train_label", "test_data", "test_label")),
}
DASSL = {"mt": "mnist", "mm": "mnist_m", "sv": "svhn", "sy": "syn", "up": "usps"}
"""Name of the folder of each domain in Dassl."""

ORIGIN = Origin(
    "digit_five",
    "that of the authors of each set: read it on their pages first",
    (RemoteFile("Digit-Five.zip", place="file 1A4RJOFj4BJkmliiEL7g9WzNIDUHLxfmm on Google Drive"),),
    TITLES[1:],
)


def open_domain(name: str) -> Domain:
    """Open a domain as 32 x 32 color images, training images first; read at the first call.

    Raises:
        ValueError: If its files are not here, or one is wrong.
    """
    form = find_form(TITLES, _kinds(name)) or _find_folders(name)
    if form is None:
        files = {f.name: f.origin for f in ORIGIN.files}
        raise ValueError(explain_missing("digit_five", name, files, "digit_five"))
    return keep_halves("digit_five", name, form, CLASSES)


def fetch() -> Iterator[str]:
    """Say what to get where a domain is not here."""
    here = [name for name in DOMAINS if find_form(TITLES, _kinds(name)) or _find_folders(name)]
    yield from ORIGIN.fetch({*DOMAINS} - {*here})


def check() -> Iterator[str]:
    """Give a line on each domain: numbers of images, and those that are published."""
    yield from check_domains(
        "digit_five", DOMAINS, open_domain, {**dict.fromkeys(DOMAINS, MOST), **COUNTS}
    )


def _kinds(name: str) -> list[Kind]:
    """List the forms of a domain among the files of M3SDA."""
    packed = "Digit-Five", "digit5", "digits5", "digit_five"
    if name == "up":
        return [Kind(["usps_28x28.mat"], lambda files: _read_usps(files[0]), packed)]
    if name == "sv":
        pairs = [[f"{at}{part}_32x32.mat" for part in ("train", "test")] for at in ("", "svhn_")]
        return [
            Kind(pair, lambda files: _cut(*map(read.read_cropped, files)), packed) for pair in pairs
        ]
    file, names = MATS[name]

    def halves(files: Sequence[Path]) -> tuple[Half, ...]:
        x, y, test_x, test_y = read.read_mat(files[0], *names)
        train, test = read.as_half(files[0], x, y), read.as_half(files[0], test_x, test_y)
        return _cut(train, test, all_tests=name == "mt")

    return [Kind([file], halves, packed)]


def _cut(train: Half, test: Half, *, all_tests: bool = False) -> tuple[Half, Half]:
    """Draw training images, and take the first test images."""
    rows, count = choose_rows(train[1], MOST[0]), len(test[1]) if all_tests else MOST[1]
    return (train[0][rows], train[1][rows]), (test[0][:count], test[1][:count])


def _read_usps(file: Path) -> tuple[Half, Half]:
    """Read the table of two rows, to train and to test on, of images and classes.

    Raises:
        ValueError: If there is another table.
    """
    (table,) = read.read_mat(file, "dataset")
    if table.shape != (2, 2):
        raise ValueError(f"{file} has a table of {table.shape}, known: 2 x 2")
    train, test = (read.as_half(file, x, y) for x, y in table)
    return train, test


def _find_folders(name: str) -> Form | None:
    """Find the folders of a domain's images as Dassl has them."""
    wanted = {plain_name(title) for title in TITLES}
    for root in set_folders(TITLES):
        places = [root / DASSL[name] / f"{part}_images" for part in ("train", "test")]
        if plain_name(root.name) in wanted and all(place.is_dir() for place in places):
            halves = find_images(places).images
            return Form([*chain(*halves)], partial(_read_folders, name, halves))
    return None


def _read_folders(name: str, halves: Sequence[Sequence[Path]]) -> tuple[Half, ...]:
    """Read the images of two folders, of which so many are drawn by the hash of their names."""
    most = (None, None) if name == "up" else MOST
    return tuple(map(partial(_read_folder, name), halves, most))


def _read_folder(name: str, files: Sequence[Path], most: int | None) -> Half:
    order = splits.order_by_hash([file.name for file in files])[:most]
    chosen = [files[i] for i in np.sort(order)]
    side = read.INNER if name == "up" else read.SIDE
    digits = [file.stem.partition("_")[2] for file in chosen]
    if wrong := [file for file, y in zip(chosen, digits, strict=True) if y not in CLASSES]:
        raise ValueError(f"{wrong[0]} has another name than NUMBER_DIGIT")
    x = np.stack([decode_image(file, side) for file in chosen])
    return read.as_half(chosen[0].parent, x, np.array([int(y) for y in digits]))
