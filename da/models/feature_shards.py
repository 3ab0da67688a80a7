"""Features of a domain in shards, which stay if the work is stopped, and become one file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from da.models.features import CHUNK, Extractor, check_features, write_features
from da.system.cache import KEY, cache_home, make_once, remove_unused, write_whole

SHARD = 16 * CHUNK
"""Images of a shard: whole chunks, so that batches are those of a computation without shards."""


class Shards:
    """The shards of a file of features, in a folder of the cache.

    Args:
        file: The file that they become.
        images: Number of images.
    """

    def __init__(self, file: Path, images: int):
        self.file, self.images = file, images
        self.folder = cache_home() / "shards"

    @property
    def lock(self) -> Path:
        """Path of the lock of whoever computes the shards."""
        return self.folder / f".{self.file.stem}.lock"

    @property
    def count(self) -> int:
        """Number of shards."""
        return -(-self.images // SHARD)

    def size(self, number: int) -> int:
        """Return the number of images of a shard."""
        return min(SHARD, self.images - number * SHARD)

    def list_missing(self) -> list[int]:
        """Return the numbers of the shards that are not stored."""
        return [number for number in range(self.count) if not self._is_stored(number)]

    def _is_stored(self, number: int) -> bool:
        try:
            check_features(self._path(number), self.size(number))
        except (OSError, ValueError, EOFError):
            return False
        return True

    def _path(self, number: int) -> Path:
        return self.folder / f"{self.file.stem}-{number:05}.npy"

    def save(self, number: int, x: Float[np.ndarray, "_ ..."]) -> None:
        """Store a shard."""
        with write_whole(self._path(number)) as part, part.open("wb") as file:
            np.save(file, x)

    def join(self) -> Path:
        """Return the file, which is made of all shards; these are removed."""
        remove_unused(self.folder, f"{KEY}-*.npy")
        make_once(self.file, self._write, lambda file: check_features(file, self.images))
        for number in range(self.count):
            self._path(number).unlink(missing_ok=True)
        return self.file

    def _write(self, part: Path) -> None:
        write_features(part, self._read(), self.images)

    def _read(self) -> Iterator[Float[np.ndarray, "_ ..."]]:
        for number in range(self.count):
            yield np.load(self._path(number), mmap_mode="r")


def compute_shard(extractor: Extractor, number: int) -> Float[np.ndarray, "_ ..."]:
    """Return the features of a shard's images."""
    parts = extractor.compute(number * SHARD, (number + 1) * SHARD)
    return np.concatenate([part.numpy() for part in parts])
