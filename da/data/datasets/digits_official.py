"""Ten digits as they are published: MNIST, USPS, SVHN, MNIST-M and SynDigits, from your files.

Images are in color, 32 x 32 pixels; `--side 28` shows their middle, as LeNet needs it. Training
images of each domain are trained on and its test images tested on. Files are looked for below
`DA_DATA`, also in folders such as `usps` or `MNIST/raw`; `da data digits_official` fetches them.

- `mnist`: 60,000 training and 10,000 test images, fetched like those of `digits`.
- `usps`: `usps.bz2` and `usps.t.bz2` of LIBSVM, or `zip.train.gz` and `zip.test.gz`: 7,291 and
  2,007 images. `usps_28x28.pkl` has 7,438 and 1,860 others of them.
- `svhn`: `train_32x32.mat` and `test_32x32.mat`: 73,257 and 26,032 house numbers.
- `mnistm`: MNIST-M of its authors, the folder `mnist_m` or `mnist_m.tar.gz`: 59,001 and 9,001.
- `syn`: SynDigits, `synth_train_32x32.mat` and `synth_test_32x32.mat`, or `SynthDigits.zip`.
- `mnist2000` and `usps1800`: 2,000 and 1,800 training images, as CoGAN, ADDA and MCD draw them
  between MNIST and USPS; tests are on all test images. Ours are the same in each run.
- `svhn_balanced`: as many training images of each digit, by the list of TLlib where it is here.

Images of TLlib with their lists, as `image_list/usps_train.txt`, are read too.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from da.data.datasets import _digit_files as read
from da.data.datasets import _mnist as mnist
from da.data.datasets._archives import unpack_named
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
from da.data.domain import Domain
from da.system.remote_files import RemoteFile

DOMAINS = ("mnist", "usps", "svhn", "mnistm", "syn", "mnist2000", "usps1800", "svhn_balanced")
CLASSES = tuple("0123456789")
DEFECTS = (
    "`usps_28x28.pkl` divides USPS in another way than the other files: 7,438 and 1,860 images.",
    "What others make by the recipe of MNIST-M is not the data set of its authors, as read here.",
    "`svhn_balanced` has other images where TLlib's list is not here.",
)
SUBSETS = {"mnist2000": ("mnist", 2000), "usps1800": ("usps", 1800)}
"""Domain and number of training images of the subset protocol between MNIST and USPS."""

COUNTS = {
    "mnist": (60_000, 10_000),
    "usps": (7291, 2007),
    "svhn": (73_257, 26_032),
    "mnistm": (59_001, 9001),
}
"""Published numbers of training and test images."""

TITLES = "digits_official", "digits", "digit"
SVHN = "http://ufldl.stanford.edu/housenumbers/"
LIBSVM = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"
SYN = "https://storage.googleapis.com/kihyuks-0001/SynDigits/"
BOX = "https://cornell.box.com/shared/static/"
FILES = (
    ("usps", "usps.bz2", f"{LIBSVM}usps.bz2", "ec16c51db3855ca6c91edd34d0e9b197"),
    ("usps", "usps.t.bz2", f"{LIBSVM}usps.t.bz2", "8ea070ee2aca1ac39742fdd1ef5ed118"),
    ("svhn", "train_32x32.mat", f"{SVHN}train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373"),
    ("svhn", "test_32x32.mat", f"{SVHN}test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3"),
    ("syn", "synth_train_32x32.mat", f"{SYN}synth_train_32x32.mat", ""),
    ("syn", "synth_test_32x32.mat", f"{SYN}synth_test_32x32.mat", ""),
    (
        *("mnistm", "mnist_m.tar.gz", f"{BOX}jado7quprg6hzzdubvwzh9umr75damwi"),
        "859df31c91afe82e80e5012ba928f279",
    ),
)
"""Domain, name, address and MD5 of each file, as torchvision and pytorch-adapt name them."""

ORIGIN = Origin(
    "digits_official",
    "that of the authors of each set: read it on their pages first",
    tuple(
        RemoteFile(name, url, digest=md5 and f"md5:{md5}", domains=(domain,))
        for domain, name, url, md5 in FILES
    ),
    TITLES[1:],
)


def open_domain(name: str) -> Domain:
    """Open a domain as 32 x 32 color images, training images first; read at the first call.

    Raises:
        ValueError: If its files are not here, or one is wrong.
    """
    base, count = SUBSETS.get(name, (name.removesuffix("_balanced"), 0))
    form = _find_balanced() if name == "svhn_balanced" else _find(base)
    if form is None:
        files = {f.name: f.origin for f in ORIGIN.files if base in f.domains}
        raise ValueError(explain_missing("digits_official", base, files, "digits_official"))
    if count:
        form = form.map(partial(_cut, count))
    return keep_halves("digits_official", name, form, CLASSES)


def fetch() -> Iterator[str]:
    """Fetch what is missing, and give a line on the license and on each file."""
    wanted = {domain for file in ORIGIN.files for domain in file.domains}
    yield from ORIGIN.fetch([name for name in DOMAINS if name in wanted and not _find(name)])


def check() -> Iterator[str]:
    """Give a line on each file with a known checksum and on each domain: numbers of images."""
    yield from ORIGIN.check()
    yield from check_domains("digits_official", DOMAINS, open_domain, COUNTS)


def _cut(count: int, halves: tuple[Half, ...]) -> tuple[Half, ...]:
    (x, y), *rest = halves
    rows = choose_rows(y, count)
    return (x[rows], y[rows]), *rest


def _find(name: str) -> Form | None:
    """Find the files of a domain; MNIST is fetched where they are not here."""
    fetched = Form((), _read_fetched) if name == "mnist" else None
    return find_form((*TITLES, name, "mnist_m"), KINDS[name]) or fetched


def _find_balanced() -> Form | None:
    """Find TLlib's balanced list, else SVHN, of which as many images of each digit are taken."""
    if form := find_form((*TITLES, "svhn"), _listed("svhn_balanced")):
        return form
    form = _find("svhn")
    return form and form.map(_balance)


def _balance(halves: tuple[Half, ...]) -> tuple[Half, ...]:
    (x, y), *rest = halves
    count = int(np.bincount(y, minlength=10).min())
    chosen = [np.flatnonzero(y == c)[choose_rows(y[y == c], count)] for c in range(10)]
    rows = np.sort(np.concatenate(chosen))
    return (x[rows], y[rows]), *rest


def _read_fetched(*folders: Path) -> tuple[Half, Half]:
    data = mnist.load_mnist(*folders)
    train, test = map(read.to_pixels, (data.train_x, data.test_x))
    return (train, data.train_y), (test, data.test_y)


def _listed(*names: str, side: int = read.SIDE) -> tuple[Kind, ...]:
    """List the forms of images with lists of these names, as TLlib and CDAN have them."""

    def halves(files: Sequence[Path]) -> tuple[Half, ...]:
        return tuple(read.read_listed(file, _image_folders(file), side) for file in files)

    folders = ("image_list/", "")
    return tuple(Kind([f"{at}{name}.txt" for name in names], halves) for at in folders)


def _image_folders(file: Path) -> list[Path]:
    """List the folders that may hold the images of a list; those of TLlib may be packed."""
    near = [file.parent.parent, file.parent, file.parent / "images"]
    return [*near, *unpack_named(near[:2], IMAGES)]


def _each(reader: Callable[[Path], Half]) -> Callable[[Sequence[Path]], tuple[Half, ...]]:
    return lambda files: tuple(map(reader, files))


def _read_mnistm(files: Sequence[Path]) -> tuple[Half, ...]:
    folders = [[file.with_name(file.name.removesuffix("_labels.txt"))] for file in files]
    return tuple(
        read.read_listed(file, places, read.SIDE)
        for file, places in zip(files, folders, strict=True)
    )


IMAGES = "mnist_image", "usps_image", "svhn_image"
"""Archives of images that TLlib's lists name."""

IDX = "train-images-idx3-ubyte"
KINDS = {
    "mnist": (
        *(
            Kind([name], lambda files: _read_fetched(files[0].parent))
            for name in (IDX, f"{IDX}.gz")
        ),
        *_listed("mnist_train", "mnist_test", side=read.INNER),
    ),
    "usps": (
        Kind(["usps.bz2", "usps.t.bz2"], _each(read.read_libsvm)),
        Kind(["zip.train.gz", "zip.test.gz"], _each(read.read_zip_codes)),
        Kind(["usps_28x28.pkl"], lambda files: read.read_usps_pickle(files[0])),
        *_listed("usps_train", "usps_test", side=read.INNER),
    ),
    "svhn": (
        Kind(["train_32x32.mat", "test_32x32.mat"], _each(read.read_cropped)),
        *_listed("svhn"),
    ),
    "mnistm": (
        Kind(["mnist_m_train_labels.txt", "mnist_m_test_labels.txt"], _read_mnistm, ["mnist_m"]),
    ),
    "syn": (
        Kind(
            ["synth_train_32x32.mat", "synth_test_32x32.mat"],
            _each(read.read_cropped),
            ["SynthDigits", "SynDigits"],
        ),
    ),
}
"""The forms in which each domain is published."""
