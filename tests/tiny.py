"""Tiny data sets in the formats of real ones, for tests."""

import gzip
import hashlib
import tarfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from da.domains import cifar10 as cifar
from da.domains import fashion_mnist as fashion
from da.domains.mnist import to_idx

Bytes = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def noise(*shape: int, seed: int = 0) -> Bytes:
    return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


def image_folder(root: Path, classes: tuple[str, ...] = ("cat", "dog"), each: int = 10) -> Path:
    """Class folders of `each` pictures; all are different, and of any class equally bright."""
    for c, label in enumerate(classes):
        (root / label).mkdir(parents=True)
        for i in range(each):
            pixels = noise(8, 12, 3, seed=1000 * c + i)
            Image.fromarray(pixels).save(root / label / f"{label}-{i:02}.png")
    return root


def cifar10(root: Path, patch: pytest.MonkeyPatch, each: int = 20, *, packed: bool = False) -> Path:
    """torchvision's files of CIFAR-10 in `root`: `each` images a class in a batch, fewer tests.

    `packed` leaves the archive alone there. Their hashes are taken for the published ones.
    """
    folder = root / cifar.FOLDER
    folder.mkdir(parents=True)
    for table in ("TRAIN", "TEST"):
        hashes = {}
        for seed, name in enumerate(getattr(cifar, table)):
            n = 10 * (each if table == "TRAIN" else each // 2)
            data = python_2_batch(noise(n, 3072, seed=seed), [i % 10 for i in range(n)])
            (folder / name).write_bytes(data)
            hashes[name] = hashlib.md5(data).hexdigest()
        patch.setattr(cifar, table, hashes)
    if packed:
        with tarfile.open(root / cifar.ARCHIVE, "w:gz") as tar:
            for file in sorted(folder.iterdir()):
                tar.add(file, f"{cifar.FOLDER}/{file.name}")
                file.unlink()
        folder.rmdir()
        digest = hashlib.sha256((root / cifar.ARCHIVE).read_bytes()).hexdigest()
        patch.setattr(cifar, "SHA256", digest)
    return root


def python_2_batch(x: Bytes, labels: list[int]) -> bytes:
    """A batch as CIFAR's authors pickled it with Python 2: its bytes are strings of `str`."""
    shape = b"".join(b"M" + size.to_bytes(2, "little") for size in x.shape)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01("
        + shape
        + b"tcnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
        + b"K\x00tb\x89T"
        + x.size.to_bytes(4, "little")
        + x.tobytes()
        + b"tb"
    )
    classes = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    about = b"U\x0bbatch_labelU\x15training batch 1 of 5"
    return b"\x80\x02}(" + about + b"U\x04data" + array + b"U\x06labels" + classes + b"u."


def fashion_mnist(root: Path, patch: pytest.MonkeyPatch, each: int = 20) -> Path:
    """The four packed files in `root`: `each` images a class for training, half as many tests.

    Their hashes are taken for the published ones, and no other place on this machine is looked at.
    """
    root.mkdir(parents=True, exist_ok=True)
    hashes = {}
    for seed, name in enumerate(fashion.CANONICAL):
        n = 10 * (each if name.startswith("train") else each // 2)
        labels = (np.arange(n) % 10).astype(np.uint8)
        data = to_idx(noise(n, 28, 28, seed=seed) if "images" in name else labels)
        (root / f"{name}.gz").write_bytes(gzip.compress(data))
        hashes[name] = hashlib.sha256(data).hexdigest()
    patch.setattr(fashion, "CANONICAL", hashes)
    patch.setattr(fashion, "DEBIAN", root / "nowhere")
    return root


def volume(file: Path, turn: float = 0.0, seed: int = 0) -> sitk.Image:
    """A scan of 30 x 24 x 20 voxels of other widths than 1 mm, turned about z by `turn` degrees."""
    rng = np.random.default_rng(seed)
    scan = sitk.GetImageFromArray(rng.integers(-1000, 500, (20, 24, 30), dtype=np.int16))
    scan.SetSpacing((0.7, 0.8, 2.5))
    scan.SetOrigin((-20.0, 35.5, -110.0))
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    scan.SetDirection((c, -s, 0, s, c, 0, 0, 0, 1))
    file.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(scan, str(file))
    return scan


def luna16(root: Path, scans: int = 10, each: int = 4, *, subsets: bool = False) -> Path:
    """Volumes with `each` nodules and twice as many other candidates, in folders if `subsets`."""
    lines = ["seriesuid,coordX,coordY,coordZ,class"]
    rng = np.random.default_rng(0)
    for number in range(scans):
        uid = f"1.3.6.1.4.1.14519.5.2.1.6279.6001.{number:04}"
        folder = root / f"subset{number % 10}" if subsets else root
        scan = volume(folder / f"{uid}.mhd", turn=180.0 * (number % 2), seed=number)
        for i in range(3 * each):
            at = scan.TransformContinuousIndexToPhysicalPoint(rng.uniform(0, (29, 23, 19)).tolist())
            lines.append(",".join([uid, *(f"{value:.4f}" for value in at), str(int(i < each))]))
    (root / "candidates_V2.csv").write_text("\n".join(lines) + "\n")
    return root
