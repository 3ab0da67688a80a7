"""ImageNet-C: test images of ImageNet in 19 corruptions, each in 5 severities (Hendrycks 2019).

A domain is a corruption with its severity, as `gaussian_noise5`: 50,000 images of 1,000 classes.
They have 224 x 224 pixels, and are not resized. All are seen without labels and tested on. Two more
domains are ImageNet itself: `clean`, its training images, and `val`, its validation images. A task
is `imagenet_c:clean-gaussian_noise5`. Names of corruptions are those of `cifar10_c`.

`DA_DATA` holds the archives `noise.tar`, `blur.tar`, `weather.tar`, `digital.tar` and `extra.tar`,
or what they unpack to, as `imagenet_c/gaussian_noise/5/n01440764`, with or without a folder of the
archive's name. ImageNet is in `imagenet/train` and `imagenet/val`, a folder a class. Images are in
the order of their classes: a stream has to mix them.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from da.data.corruption_names import ALL, GROUPS, SEVERITIES, split_corruption, split_task
from da.data.datasets._archives import unpack_classes
from da.data.datasets._find_published import set_folders
from da.data.datasets._imagenet import FOLDERS, GET, TRAIN
from da.data.datasets._published import Published
from da.system.remote_files import RemoteFile

SYNTAX = "clean-gaussian_noise5"
DOMAINS = ()
SEVERAL = True
ANY_SIDE = True
SKIPS_BAD = True
FITS = True
DEFECTS = (
    "Images are in the order of their classes: a stream has to mix them.",
    "Papers test on all 50,000 images or on 5,000 of them, which is `imagenet_c5000`.",
)

PURE = {"clean": TRAIN, "val": ("val", "validation")}
"""Domains of ImageNet itself, and names of their folders."""

CORRUPTED = {f"{name}{severity}": (name,) for name in ALL for severity in SEVERITIES}
RECORD = "https://zenodo.org/records/2235448/files/"
MD5 = {
    "noise": "e80562d7f6c3f8834afb1ecf27252745",
    "blur": "2d8e81fdd8e07fef67b9334fa635e45c",
    "weather": "33ffea4db4d93fe4a428c40a6ce0c25d",
    "digital": "89157860d7b10d5797849337ca2e5c03",
    "extra": "d492dfba5fc162d8ec2c3cd8ee672984",
}
"""MD5 of each archive."""


class ImageNetC(Published):
    """ImageNet-C, whose folders of severities have numbers for names."""

    def check(self) -> Iterator[str]:
        """Give a line on each archive, and on each domain that is here."""
        return (line for line in super().check() if " is not here: " not in line)

    def _place(self, name: str) -> Path | None:
        """Return the folder of class folders of a domain, or None where it is not here."""
        if name in PURE:
            return super()._place(name)
        corruption, severity = split_corruption(name)
        group = next(group for group, names in GROUPS.items() if corruption in names)
        roots = set_folders(self.titles)
        unpacked = unpack_classes(roots, {group}, self.numbers)
        places = (
            root / inner / corruption / str(severity)
            for root in chain(roots, unpacked)
            for inner in (".", group, "ImageNet-C", f"ImageNet-C/{group}", f"{group}/{group}")
        )
        return next((place.resolve() for place in places if place.is_dir()), None)


ABOUT: dict[str, Any] = dict(
    title="ImageNet-C",
    folders=("imagenet_c", *FOLDERS),
    domains={**PURE, **CORRUPTED},
    get=f"{GET} The others are at {RECORD}.",
    versions=("imagenet",),
    totals=dict.fromkeys((*CORRUPTED, "val"), 50_000),
    squares=CORRUPTED,
    files=tuple(
        RemoteFile(
            f"{group}.tar",
            f"{RECORD}{group}.tar",
            digest=f"md5:{MD5[group]}",
            domains=[f"{name}{severity}" for name in names for severity in SEVERITIES],
        )
        for group, names in GROUPS.items()
    ),
    license="that of its authors: read it on the page of the record first",
)
SET = ImageNetC(**ABOUT)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch


def pair(names: str) -> tuple[str, str]:
    """Split what stands in a task into source and target."""
    return split_task(names, *PURE)
