"""Measure images per second of the data path, against Pillow and torchvision in a DataLoader.

At 224 px, the peers decode JPEGs of 300 x 300 pixels (quality 90) for every batch. This is the
recipe of TLlib (Transfer-Learning-Library: resize 256, random resized crop, flip). Ours takes crops
of images that were decoded once to 256 x 256, or decodes them for every batch too, as a large set
is. At 28 px, the peers convert images that are in
memory, as torchvision's MNIST does. All of them give normalized float batches.
"""

import tempfile
from collections.abc import Callable, Iterator
from itertools import chain, islice, repeat
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from da.config.choices import Augment
from da.data.decode import decode_image
from da.data.encoded import EncodedImages, LooseFiles
from da.data.stored_rows import StoredRows
from da.data.transforms import Resize
from da.data.views import augment_images
from da.models.backbone import Backbone
from da.system import memory
from measure import Bar, Section, Timing, busy, interleaved, show

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
AUGMENTS: tuple[Augment, ...] = ("none", "crop_flip", "jitter", "strong")
PIL = "PIL, {} workers"
DECODED = "crop_flip, decoded for every batch"


class Files(Dataset):
    """JPEG files, decoded whenever they are asked for."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.transform = transforms.Compose(
            [
                transforms.Resize((256, 256)),
                transforms.RandomResizedCrop(224),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> Tensor:
        with Image.open(self.files[i]) as image:
            return self.transform(image.convert("RGB"))


class Arrays(Dataset):
    """Small images in memory, made Pillow images one at a time."""

    def __init__(self, x: Tensor) -> None:
        self.x = x.numpy()
        self.transform = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
        )

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> Tensor:
        return self.transform(Image.fromarray(self.x[i]))


def write_jpegs(folder: Path, n: int) -> list[Path]:
    """Smoothed noise, whose files are about as large as those of photographs of that size."""
    files, rng = [folder / f"{i}.jpg" for i in range(n)], np.random.default_rng(0)
    for file in files:
        noise = Image.fromarray(rng.integers(256, size=(300, 300, 3), dtype=np.uint8))
        noise.filter(ImageFilter.GaussianBlur(1)).save(file, quality=90)
    return files


def loader(data: Dataset, batch: int, workers: int) -> Iterator[Tensor]:
    """Batches without end."""
    made = DataLoader(
        data, batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )
    return chain.from_iterable(repeat(made))


def ours(x: StoredRows, side: int, batch: int, augment: Augment) -> Callable[[], Tensor]:
    """Makes a batch of what is in memory, as loader and backbone do."""
    generator, resize = torch.Generator().manual_seed(0), Resize(side)
    backbone = Backbone(torch.nn.Identity(), 1, MEAN, STD)

    def make() -> Tensor:
        rows = torch.randint(len(x), (batch,), generator=generator)
        return backbone(augment_images(x, resize, augment, generator, rows))

    return make


def race(
    data: Dataset, x: Tensor, side: int, batch: int, rounds: int, encoded: StoredRows | None = None
) -> Timing:
    """The peers with 0 and 2 workers, ours with every augmentation, and taking bytes alone.

    Where the same images are given `encoded`, ours also decodes them for every batch.
    """
    peers = {PIL.format(w): loader(data, batch, w) for w in (0, 2)}
    contenders: dict[str, Callable[[], object]] = {
        # A round is longer than what workers have ready at its start: two batches each.
        name: lambda made=made: [None for _ in islice(made, 10)]
        for name, made in peers.items()
    }
    for augment in AUGMENTS:
        make = ours(x, side, batch, augment)
        contenders[augment] = lambda make=make: [make().shape for _ in range(10)]
    if encoded is not None:
        decode = ours(encoded, side, batch, "crop_flip")
        contenders[DECODED] = lambda: [decode().shape for _ in range(10)]
    contenders["bytes only"] = lambda: [
        x.index_select(0, torch.randint(len(x), (batch,))).shape for _ in range(10)
    ]
    return interleaved(contenders, rounds, units=10 * batch, pause=0.5)


def measure(quick: bool = False) -> Section:
    """Both sizes of images."""
    memory.keep_freed_memory()
    rounds, n = (2, 128) if quick else (5, 512)
    small = torch.randint(256, (4096, 28, 28, 3), dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as folder:
        files = write_jpegs(Path(folder), n)
        large = torch.from_numpy(np.stack([decode_image(file, 256) for file in files]))
        size = sum(file.stat().st_size for file in files) / n / 1000
        timings = {
            28: race(Arrays(small), small, 28, 128, rounds),
            224: race(
                Files(files),
                large,
                224,
                16 if quick else 32,
                rounds,
                EncodedImages(LooseFiles(files), 256),
            ),
        }
    peer = PIL.format(2)
    rows = [
        [f"{side} px, {name}", timing.rate(name), timing.ratio(name, peer)]
        for side, timing in timings.items()
        for name in timing.seconds
    ]
    return Section(
        "Data path",
        ["images of", "images/s", f"times {peer}"],
        rows,
        notes=[
            f"{torch.get_num_threads()} threads; {busy(timings[224])}",
            f"JPEGs of 300 x 300 pixels, {size:.0f} kB each; ours decoded them once, before, or as "
            "the row says",
            "none: the middle of the image; crop_flip: what the peers do at 224 px",
            "at 28 px the peers do not augment; compare them with none",
        ],
        data={str(side): timing.seconds for side, timing in timings.items()},
        bars=[
            Bar(work, peer, bar, goal, timings[224].ratio(name, peer))
            for work, name, bar, goal in (
                ("data path 224 px", "crop_flip", 5, 10),
                ("data path 224 px, decoded for every batch", DECODED, 1.5, 2),
                ("data path 224 px, jitter", "jitter", 2, 3),
                ("data path 224 px, strong", "strong", 2, 3),
            )
        ],
    )


if __name__ == "__main__":
    show(measure)
