"""SHA-256 of the pixels of a domain, the same however they are kept."""

import hashlib
from collections.abc import Iterable

import numpy as np
from jaxtyping import Shaped


def digest_pixels(x: Shaped[np.ndarray, "b ..."]) -> str:
    """Return the digest of all pixels, one image after the other."""
    return hashlib.sha256(np.ascontiguousarray(x).data).hexdigest()


def digest_image(pixels: Shaped[np.ndarray, "..."]) -> bytes:
    """Return the digest of one image of a large set."""
    return hashlib.sha256(np.ascontiguousarray(pixels).data).digest()


def join_digests(images: Iterable[bytes]) -> str:
    """Return the digest of a large set, from those of its images."""
    return hashlib.sha256(b"".join(images)).hexdigest()


def is_digest_of(digest: str, x: Shaped[np.ndarray, "b ..."]) -> bool:
    """Return whether a domain of these pixels has this digest, as a large set or another one."""
    return digest == digest_pixels(x) or digest == join_digests(map(digest_image, x))
