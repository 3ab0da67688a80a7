"""Classification of the texts in a column of CSV or Parquet files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int

from da.data.datasets import _columns
from da.deploy.predict import BATCH, Model, Predicted, require_finite

Texts = list[tuple[str, str]]
"""File and line of each text, and the text."""


def read_texts(files: Sequence[Path], column: str) -> Texts:
    """Read the texts in a column of files.

    Args:
        files: CSV or Parquet files.
        column: Name of the column.

    Raises:
        ValueError: If a file is no such file, has no such column, or a row has no text.
    """
    found = []
    for file in files:
        if not file.is_file() or file.suffix.lower() not in _columns.ENDINGS:
            known = " or ".join(_columns.ENDINGS)
            raise ValueError(f"no texts in {file}, known: a file {known} with a column {column!r}")
        _columns.require_columns(file, [column])
        rows = range(len(_columns.read_columns(file)[column]))
        texts = _columns.read_texts(file, column, rows)
        found += [(f"{file}:{row + 2}", text) for row, text in zip(rows, texts, strict=True)]
    return found


def text_probabilities(model: Model, texts: Texts) -> Iterator[Predicted]:
    """Yield file and line of each text with the probabilities, or an error."""
    assert model.tokenize
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        tokens = pad_tokens(model.tokenize([text for _, text in batch]))
        rows = zip(*model.outputs(tokens)[::2], strict=True)
        for (where, _), row in zip(batch, rows, strict=True):
            yield where, require_finite(where, row)


def pad_tokens(rows: Sequence[Sequence[int]]) -> Int[np.ndarray, "b t"]:
    """Return tokens as an array, with -1 after the last one of each text."""
    found = np.full((len(rows), max(map(len, rows))), -1, np.int64)
    for place, row in zip(found, rows, strict=True):
        place[: len(row)] = row
    return found
