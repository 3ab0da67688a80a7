"""Fashion-MNIST: 70,000 images of clothes, shoes and bags in ten classes (Xiao et al. 2017).

Images are gray, 28 x 28 pixels, as in MNIST: 60,000 for training and 10,000 for tests. A tenth of
the training images is held out for validation. A task is supervised, and is written `fashion_mnist`
or `fashion_mnist:PATH`.

The files come from the folder PATH. Without PATH they come from the first of these places:
`DA_DATA`, the folder of Debian's `dataset-fashion-mnist`, the cache, and the address that
torchvision names. They may be packed or not, and also in `FashionMNIST/raw`, where torchvision puts
them.
"""

import sys
from pathlib import Path

import numpy as np

from da.data import paths, splits
from da.data.datasets import _mnist as mnist
from da.data.domain import Domain, keep_domain, save_domain
from da.system.cache import cache_home

SYNTAX = "[:PATH]"
DOMAINS = ("",)
ONE_DOMAIN = True
CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)

CANONICAL = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""SHA-256 of each IDX file, unpacked, since Debian packs the files differently."""

PACKED = {
    "train-images-idx3-ubyte": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
"""SHA-256 of each file as the mirror has it, with `.gz` added to its name."""

MIRRORS = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
RAW = "FashionMNIST/raw"
RECIPE = 1
"""Cache version. Increase it when rows or pixels change."""


pair = paths.optional_folder


def open_domain(name: str) -> Domain:
    """Open the 70,000 images as 28 x 28 pixels in three equal channels.

    They are read or fetched at the first call.

    Raises:
        ValueError: If no place has the right files; the message has the reason of each place.
    """

    def write(folder: Path) -> None:
        print("fashion_mnist: reading its files, once", file=sys.stderr)
        data = mnist.first_valid("Fashion-MNIST", _places(name), CANONICAL)
        x = mnist.to_rgb(np.concatenate([data.train_x, data.test_x]))
        y = np.concatenate([data.train_y, data.test_y])
        save_domain(folder, x, y, CLASSES, splits.split_published(data.train_y, len(data.test_y)))

    return keep_domain(cache_home() / "fashion_mnist" / f"pixels-{RECIPE}", write)


def _places(name: str) -> list[mnist.Place]:
    """List the places of the files: the folder `name` alone, or all others if it is empty."""
    root = paths.require_folder(name) if name else paths.data_folder()
    own = [root, root / RAW] if root else []
    if name:
        return [mnist.find_in_folder(folder) for folder in own]
    fetched = mnist.download_from_mirrors("fashion_mnist", MIRRORS, PACKED)
    return [*map(mnist.find_in_folder, [*own, DEBIAN, cache_home() / "fashion_mnist"]), fetched]
