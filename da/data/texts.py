"""Texts as rows of bytes, so that they are stored, hashed and divided as images are."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Shaped, UInt8
from torch import Tensor, uint8

from da.data.stored_rows import StoredRows

LONGEST = 2**14
"""Most bytes of a text that are kept; encoders take a few hundred words."""


def encode_texts(texts: Sequence[str], width: int = 0) -> UInt8[np.ndarray, "b n"]:
    """Return texts as UTF-8, each row filled up with zeros.

    Args:
        texts: The texts; what exceeds `LONGEST` bytes is cut off.
        width: Bytes of a row; 0 for those of the longest text.
    """
    rows = [text.encode()[:LONGEST] for text in texts]
    width = width or max(map(len, rows), default=1)
    filled = b"".join(row.ljust(width, b"\0") for row in rows)
    return np.frombuffer(filled, np.uint8).reshape(len(rows), width).copy()


def decode_texts(x: UInt8[Tensor, "b n"]) -> list[str]:
    """Return the texts that rows of bytes hold; a letter that was cut in two is left out."""
    return [bytes(row).rstrip(b"\0").decode(errors="ignore") for row in x.numpy()]


def holds_texts(x: Shaped[StoredRows, "b ..."]) -> bool:
    """Return whether these are texts, and neither images nor features."""
    return x.ndim == 2 and x.dtype == uint8
