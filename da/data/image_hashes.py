"""Hashes of the images of a domain, computed once and cached on disk."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jaxtyping import UInt8, UInt64
from PIL import Image
from torch import Tensor

from da.data.domain import Domain
from da.data.stored_rows import split_rows
from da.system.cache import cache_home, make_once

FLAT = 4
"""Deviation of gray values, of 255, up to which an image is too flat for a perceptual hash."""

EMPTY = 0.28
"""Share of gradients of one sign up to which an image is a drawing on an empty ground."""

CHUNK = 256
"""Images that are in memory at a time."""

SMALL = 2**20
"""Bytes of pixels from which on hashes are cached."""


def exact_hashes(domain: Domain) -> UInt64[np.ndarray, "b"]:
    """Return a hash of each image's pixels, which only equal images share."""
    return _stored(domain, "exact", _hash_rows)


def perceptual_hashes(domain: Domain) -> UInt64[np.ndarray, "b 2 4"]:
    """Return two perceptual hashes of each image, of frequencies and of gradients, 256 bits each.

    Zeros stand for no hash: of a flat image, or the gradients of a drawing on an empty ground.
    """
    return _stored(domain, "perceptual", _hash_looks)


def _hash_rows(x: Tensor) -> UInt64[np.ndarray, "b"]:
    rows = (hashlib.blake2b(row.data, digest_size=8).digest() for row in np.ascontiguousarray(x))
    return np.frombuffer(b"".join(rows), np.uint64)


def _hash_looks(x: UInt8[Tensor, "b h w 3"]) -> UInt64[np.ndarray, "b 2 4"]:
    with ThreadPoolExecutor() as pool:
        hashes = b"".join(pool.map(_look, np.asarray(x)))
    return np.frombuffer(hashes, np.uint64).reshape(-1, 2, 4)


def _look(image: UInt8[np.ndarray, "h w 3"]) -> bytes:
    from imagehash import dhash, phash

    gray = Image.fromarray(image).convert("L").reduce(max(1, len(image) // 64))  # 8 times faster
    if np.asarray(gray).std() <= FLAT:
        return bytes(64)
    frequencies, gradients = (hash(gray, hash_size=16).hash for hash in (phash, dhash))
    telling = EMPTY < gradients.mean() < 1 - EMPTY
    return np.packbits(frequencies).tobytes() + np.packbits(gradients & telling).tobytes()


def _stored(domain: Domain, kind: str, make: Callable[[Tensor], np.ndarray]) -> np.ndarray:
    """Return what `make` computes of a domain's pixels, from the cache where that is faster."""
    if domain.joined:
        return np.concatenate([_stored(part, kind, make) for part in domain.joined])
    if domain.x.nbytes < SMALL:
        return _make(domain, make)
    name = hashlib.sha256(f"{kind} {domain.digest}".encode()).hexdigest()[:24]
    file = cache_home() / "hashes" / f"{name}.npy"

    def write(part: Path) -> None:
        with part.open("wb") as out:
            np.save(out, _make(domain, make))

    def check(file: Path) -> None:
        if len(np.load(file)) != len(domain.y):
            raise ValueError(f"{file} has other images")

    return np.load(make_once(file, write, check))


def _make(domain: Domain, make: Callable[[Tensor], np.ndarray]) -> np.ndarray:
    return np.concatenate([make(x) for x in split_rows(domain.x, CHUNK)])
