"""CIFAR-100-C: test images of CIFAR-100 in 19 corruptions, each in 5 severities (Hendrycks 2019).

A domain is a corruption with its severity, as `gaussian_noise5`: 10,000 images of 32 x 32 pixels
in 100 classes. All are seen without labels and tested on. `clean` is CIFAR-100 itself, 50,000
training images and 10,000 test images. A task is `cifar100_c:clean-gaussian_noise5`. Names of
corruptions are those of `cifar10_c`.

`DA_DATA` holds `CIFAR-100-C.tar`, which is read as it is, or its folder `CIFAR-100-C`, and
`cifar-100-python` or its archive. `da data cifar100_c` fetches both; the first has 2.9 GB.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from einops import rearrange

from da.data.class_lists import class_names
from da.data.corruption_names import ALL
from da.data.datasets._array_files import Half, Kind
from da.data.datasets._corrupted_cifar import CLEAN, CorruptedCifar
from da.data.datasets._fetch import Origin
from da.data.datasets._mnist import ArrayUnpickler
from da.system.archives import read_members
from da.system.remote_files import RemoteFile

SYNTAX = "clean-gaussian_noise5"
DOMAINS = ()
SEVERAL = True
FOLDER = "cifar-100-python"
ARCHIVE = f"{FOLDER}.tar.gz"
HALVES = f"{FOLDER}/train", f"{FOLDER}/test"


def _read(files: Sequence[Path]) -> tuple[Half, ...]:
    """Read training and test images from their files, or from the archive itself."""
    packed = files[0].name == ARCHIVE
    data = read_members(files[0], HALVES) if packed else [file.read_bytes() for file in files]
    return tuple(_half(files[0], each) for each in data)


def _half(file: Path, data: bytes) -> Half:
    try:
        found = ArrayUnpickler(io.BytesIO(data)).load()
        x = rearrange(found["data"], "n (c h w) -> n h w c", c=3, h=32)
        return x, np.array(found["fine_labels"], np.int64)
    except Exception as error:  # a damaged pickle raises any kind
        raise ValueError(f"{file} is no file of CIFAR-100: {error}") from error


SET = CorruptedCifar(
    "cifar100_c",
    "CIFAR-100-C",
    class_names("cifar100"),
    Origin(
        "cifar100_c",
        "that of its authors: read it on the page of the record first",
        (
            RemoteFile(
                "CIFAR-100-C.tar",
                "https://zenodo.org/records/3555552/files/CIFAR-100-C.tar",
                digest="md5:11f0ed0f1191edbf9fa23466ae6021d3",
                domains=ALL,
            ),
            RemoteFile(
                ARCHIVE,
                f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",
                digest="md5:eb9058c3a382ffc7106e4002c42a8d85",
                domains=(CLEAN,),
            ),
        ),
        ("CIFAR-100-C", "cifar100"),
    ),
    (Kind(HALVES, _read), Kind([ARCHIVE], _read)),
)
open_domain, pair, fetch, check = SET.open_domain, SET.pair, SET.fetch, SET.check
