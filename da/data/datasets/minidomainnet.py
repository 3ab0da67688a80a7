"""miniDomainNet: images of 126 classes of DomainNet in 4 domains, by lists (Zhou et al. 2021).

Its domains are `clipart`, `painting`, `real` and `sketch`. Training looks at the images of a
domain's training list, and tests at those of its test list. Published networks see 96 pixels
(`--side 96`). Classes are those whose folders the lists name.

Images are those of `domainnet`, as `clipart/aircraft_carrier/*.jpg`. The folder `splits_mini` of
Dassl, or its archive, lies next to the domains, with `clipart_train.txt` and `clipart_test.txt`.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from da.config.choices import Fit
from da.data import class_lists
from da.data.datasets import _find_published as find
from da.data.datasets._archives import unpack_named
from da.data.datasets._domainnet import LICENSE, list_files
from da.data.datasets._published import SPLITS, Published
from da.data.domain import Domain
from da.system.remote_files import RemoteFile

DOMAINS = ("clipart", "painting", "real", "sketch")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True

FOLDERS = ("minidomainnet", "mini_domainnet", "domainnet")
LISTS = "splits_mini/{domain}_{split}.txt"


SET = Published(
    "miniDomainNet",
    FOLDERS,
    {name: (name,) for name in DOMAINS},
    "Images are those of domainnet, and the lists file 15rrLDCrzyi6ZY-1vJar3u7plgLe4COL7 on Google "
    "Drive.",
    classes=class_lists.class_names("domainnet126"),
    lists=LISTS,
    files=(
        *list_files(DOMAINS),
        RemoteFile(
            "splits_mini.zip",
            place="file 15rrLDCrzyi6ZY-1vJar3u7plgLe4COL7 on Google Drive",
        ),
    ),
    license=LICENSE,
)


def current() -> Published:
    """Return what is known of the data set, with the classes that the lists which are here name."""
    names = [LISTS.format(domain=domain, split=split) for domain in DOMAINS for split in SPLITS]
    near = find.set_folders(SET.titles)
    unpacked = [top for p in unpack_named(near, ("splits_mini",)) for top in (p, p.parent)]
    places = [folder / name for folder in (*near, *unpacked) for name in names]
    return _with_classes(tuple((f, f.stat().st_mtime_ns) for f in places if f.is_file()))


@cache
def _with_classes(lists: tuple[tuple[Path, int], ...]) -> Published:
    found = {image.parent.name for file, _ in lists for image in find.read_list(file)}
    return replace(SET, classes=class_lists.sort_by_letters(found)) if found else SET


def open_domain(name: str, side: int = 0, *, skip_bad: bool = False, fit: Fit = "squash") -> Domain:
    """Open a domain, which is decoded at the first call and after a change.

    Args:
        name: One of `DOMAINS`.
        side: Width of network input in pixels; 0 for the usual one.
        skip_bad: Whether to leave out images that cannot be decoded.
        fit: How images that are no squares become squares.

    Raises:
        ValueError: If the data set, a class or a list is not here, or images cannot be decoded.
    """
    return current().open_domain(name, side, skip_bad=skip_bad, fit=fit)


def check_images(name: str) -> None:
    """Look at the first bytes of each image of a domain, without decoding any."""
    current().check_images(name)


def check() -> Iterator[str]:
    """Give a line on each archive and domain, and where it differs from what is published."""
    yield from current().check()


def fetch() -> Iterator[str]:
    """Fetch what is missing, and give a line on the license and on each file."""
    yield from current().fetch()
