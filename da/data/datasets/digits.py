"""Ten digits in four styles: handwriting, the same over photographs, other handwriting, fonts.

A style is a domain, and a digit is a class. Images are 28 x 28 pixels in color. A task is written
`digits:mnist-mnistm`, or `digits:mnist` to train on the labels of one style.

- `mnist`: MNIST, 60,000 training and 10,000 test images; fetched.
- `mnistm`: the same digits over photographs that scikit-learn and scikit-image carry. It follows
  the recipe of MNIST-M (Ganin et al. 2016), but it is not the published data set, whose patches are
  from BSDS500. Where `DA_DATA` holds the published files (`mnist_m/mnist_m_train` and so on), these
  are used.
- `optdigits`: scikit-learn's 1,797 digits of 13 people, a third of them test images.
- `synfont`: digits drawn with fonts on this machine, 20,000 training and 4,000 test images.

Training and test images share no photograph and no family of fonts.
"""

import hashlib
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from da.data import paths
from da.data.datasets import _mnist as mnist
from da.data.datasets import _synfont as synfont
from da.data.datasets._mnist import to_rgb
from da.data.decode import decode_image
from da.data.domain import PARTS, Domain, keep_domain, save_domain
from da.system.cache import cache_home
from da.system.extras import extra

DOMAINS = "mnist", "mnistm", "optdigits", "synfont"
CLASSES = tuple("0123456789")
SIDE = 28

TRAIN_PHOTOS = {
    "astronaut": "skimage/data/astronaut.png",
    "coffee": "skimage/data/coffee.png",
    "flower": "sklearn/datasets/images/flower.jpg",
    "motorcycle": "skimage/data/motorcycle_left.png",
}
"""Photographs behind mnistm's training digits, each with its package and file.

All have color and mid-tones, since digits over bright photographs come out inverted. A LeNet
trained on MNIST alone is right for 43, 51, 77 and 49 % of the digits over them, and for 34 and 84 %
over the photographs of the test digits. So both are equally hard on average.
"""

TEST_PHOTOS = {
    "cat": "skimage/data/chelsea.png",
    "rocket": "skimage/data/rocket.jpg",
}
"""Photographs behind mnistm's test digits, each with its package and file."""

RECIPE = 1
"""Cache version. Increase it when the pixels of a domain change."""

Digits = tuple[UInt8[np.ndarray, "_ 28 28 3"], Int[np.ndarray, "_"]]
"""Images and the digit of each."""


def open_domain(name: str) -> Domain:
    """Open a style as 28 x 28 color images, training images first.

    They are drawn or fetched at the first call. Training images are the same for a source, for a
    target and for a supervised task, `digits:mnist`.
    """
    published = _published() if name == "mnistm" else None
    if published:
        about = [str(published), *(str(file.stat().st_mtime_ns) for file in _labels(published))]
        key = hashlib.sha256("\n".join(about).encode()).hexdigest()[:8]
        return _opened(f"mnistm-published-{key}", lambda: load_published_mnistm(published))
    make = {"mnist": _mnist, "mnistm": _mnistm, "optdigits": _optdigits, "synfont": _synfont}
    return _opened(name, make[name])


def _opened(name: str, make: Callable[[], tuple[Digits, Digits]]) -> Domain:
    def write(folder: Path) -> None:
        print(f"digits: making {name}, once", file=sys.stderr)
        halves = make()
        x, y = (np.concatenate(both) for both in zip(*halves, strict=True))
        train, test = np.split(np.arange(len(y)), [len(halves[0][1])])
        save_domain(
            folder, x, y, CLASSES, dict(zip(PARTS, (train, test, train, test), strict=True))
        )

    return keep_domain(cache_home() / "digits" / f"{name}-{RECIPE}", write)


def _mnist() -> tuple[Digits, Digits]:
    data = mnist.load_mnist()
    return (to_rgb(data.train_x), data.train_y), (to_rgb(data.test_x), data.test_y)


def _mnistm() -> tuple[Digits, Digits]:
    data = mnist.load_mnist()
    train = overlay_digits(data.train_x, load_photographs(TRAIN_PHOTOS), seed=1)
    return (train, data.train_y), (
        overlay_digits(data.test_x, load_photographs(TEST_PHOTOS), seed=2),
        data.test_y,
    )


def load_photographs(names: dict[str, str]) -> list[UInt8[np.ndarray, "_ _ 3"]]:
    """Load photographs in color, given each one's installed package and file in it."""
    images = []
    for path in names.values():
        package, _, file = path.partition("/")
        with extra("digits", "the data set digits"):
            place = files(package)
        try:
            with Image.open(str(place / file)) as image:
                images.append(np.asarray(image.convert("RGB")))
        except OSError as error:
            raise ValueError(f"cannot read {path}: {error}; install {package} again") from error
    return images


def overlay_digits(
    digits: UInt8[np.ndarray, "n h w"], photos: Sequence[UInt8[np.ndarray, "_ _ 3"]], *, seed: int
) -> UInt8[np.ndarray, "n h w 3"]:
    """Put each digit over a random patch of a random photograph: |patch - digit| per channel.

    Args:
        digits: Gray digits, white on black.
        photos: Photographs in color.
        seed: Seed of photographs and patches.
    """
    rng = np.random.default_rng(seed)
    n, height, width = digits.shape
    x = np.empty((n, height, width, 3), np.uint8)
    chosen = rng.integers(len(photos), size=n)
    for i, photo in enumerate(photos):
        rows = np.flatnonzero(chosen == i)
        windows = sliding_window_view(photo, (height, width), axis=(0, 1))
        top, left = (rng.integers(size, size=len(rows)) for size in windows.shape[:2])
        patch = np.moveaxis(windows[top, left], 1, -1)
        x[rows] = difference(patch, digits[rows, :, :, None])
    return x


def difference(
    a: UInt8[np.ndarray, "..."], b: UInt8[np.ndarray, "..."]
) -> UInt8[np.ndarray, "..."]:
    """Compute |a - b| of bytes, without the wrap-around of a - b."""
    return np.maximum(a, b) - np.minimum(a, b)


def _published() -> Path | None:
    """Find the folder of the published MNIST-M under `DA_DATA`, if there is one."""
    if (data := paths.data_folder()) is None:
        return None
    folders = data, data / "mnist_m"
    return next((folder for folder in folders if (folder / "mnist_m_train").is_dir()), None)


def _labels(folder: Path) -> list[Path]:
    files = [folder / f"mnist_m_{part}_labels.txt" for part in ("train", "test")]
    for file in files:
        if not file.is_file():
            raise ValueError(f"the published MNIST-M in {folder} lacks {file.name}")
    return files


def load_published_mnistm(folder: Path) -> tuple[Digits, Digits]:
    """Load training and test images of the published MNIST-M, shrunk from 32 x 32 pixels.

    `mnist_m_train/` and `mnist_m_test/` hold the images. `mnist_m_train_labels.txt` and
    `mnist_m_test_labels.txt` have a line `NAME.png CLASS` for each image.

    Raises:
        ValueError: If a file is missing or wrong; the message names it.
    """
    train, test = (_read_listed(file) for file in _labels(folder))
    return train, test


def _read_listed(labels: Path) -> Digits:
    folder = labels.with_name(labels.name.removesuffix("_labels.txt"))
    lines = [line.split() for line in labels.read_text().splitlines() if line.strip()]
    for line in lines:
        if len(line) != 2 or line[1] not in CLASSES:
            raise ValueError(f"{labels} has the line {' '.join(line)!r}, known: NAME.png 0 to 9")
    x = np.stack([decode_image(folder / name, SIDE) for name, _ in lines])
    return x, np.array([int(digit) for _, digit in lines])


def _optdigits() -> tuple[Digits, Digits]:
    """Load scikit-learn's 1,797 digits of 13 people, a third of them test images.

    An image is for testing if the SHA-256 of its 64 numbers is divisible by 3.
    """
    with extra("digits", "the data set digits"):
        from sklearn.datasets import load_digits
    data = load_digits()
    small = data.images.astype(np.uint8)
    hashes = [hashlib.sha256(image.tobytes()).hexdigest() for image in small]
    test = np.array([int(digest, 16) % 3 == 0 for digest in hashes])
    x, y = to_rgb(enlarge(small)), data.target.astype(np.int64)
    return (x[~test], y[~test]), (x[test], y[test])


def enlarge(small: UInt8[np.ndarray, "n 8 8"]) -> UInt8[np.ndarray, "n 28 28"]:
    """Make images of 0..16 like MNIST's: 20 pixels high, in the middle of 28, up to 255."""
    bright = (small * np.float32(255 / 16)).round().astype(np.uint8)
    inner = [Image.fromarray(image).resize((20, 20), Image.Resampling.BICUBIC) for image in bright]
    return np.pad(np.stack([np.asarray(image) for image in inner]), ((0, 0), (4, 4), (4, 4)))


def _synfont() -> tuple[Digits, Digits]:
    train = synfont.draw_digits(20_000, synfont.TRAIN_FONTS, seed=1)
    return train, synfont.draw_digits(4_000, synfont.TEST_FONTS, seed=2)
