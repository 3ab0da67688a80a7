"""Amazon reviews of four shops as counts of 5,000 words, positive or negative (Chen et al. 2012).

Nothing is fetched: the folder `amazon_reviews`, here or under `DA_DATA`, holds the files. They are
either those of the DANN paper, `books_train.svmlight` and `books_test.svmlight` for each shop, as
in the authors' repository GRAAL-Research/domain_adversarial_neural_network, or one `amazon.npz` as
code of multi-source papers has it. A shop has 2,000 training reviews and 3,000 to 6,000 test ones.

As in the DANN paper (Ganin et al. 2016), the 2,000 reviews of the source are shown
with labels, but for a tenth that is held out, those of the target without, and tests are on others.
Features are counts, so a backbone is one for `arrays`: `identity` or `mlp`.
"""

from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch

from da.config.task_name import split_pair
from da.data import paths, splits
from da.data.datasets._vectors import digest_rows
from da.data.domain import Domain

SYNTAX = "books-dvd"
DOMAINS = ()
SHOPS = "books", "dvd", "electronics", "kitchen"
CLASSES = "negative", "positive"
WIDTH = 5000
"""Words that are counted."""
SHOWN = 2000
"""Training reviews of a shop in `amazon.npz`: the first ones."""

_PARTS = "train", "test"

Rows = tuple[np.ndarray, np.ndarray]
"""Features and labels -1 or 1."""


def pair(names: str) -> tuple[str, str]:
    """Split `names` into two shops, or into one and ''.

    Raises:
        ValueError: If there is no such shop.
    """
    return split_pair(names, SHOPS)


def open_domain(name: str) -> Domain:
    """Open the reviews of a shop.

    Raises:
        ValueError: If the files are missing or cannot be read.
    """
    folder = paths.find_folder("amazon_reviews")
    files = [folder / f"{name}_{part}.svmlight" for part in _PARTS] if folder else []
    if folder and all(file.is_file() for file in files):
        return _of_lines(*files, *map(paths.file_state, files))
    if folder and (file := folder / "amazon.npz").is_file():
        return _of_arrays(file, name, paths.file_state(file))
    raise ValueError(
        f"no reviews of {name}: the folder amazon_reviews, here or under DA_DATA, holds "
        f"{name}_train.svmlight and {name}_test.svmlight, or amazon.npz"
    )


@lru_cache(maxsize=4)
def _of_lines(train: Path, test: Path, changed: tuple[int, int], too: tuple[int, int]) -> Domain:
    """Open a shop whose reviews are lines `LABEL WORD:COUNT ...`, with words from 0 on."""
    return _build(*(_read_lines(file) for file in (train, test)))


def _read_lines(file: Path) -> Rows:
    lines = file.read_text().splitlines()
    x, y = np.zeros((len(lines), WIDTH), np.float32), np.zeros(len(lines), np.int64)
    for row, line in enumerate(lines):
        try:
            label, *cells = line.partition("#")[0].split()
            pairs = [cell.split(":") for cell in cells]
            words = [int(word) for word, _ in pairs]
            if min(words, default=0) < 0:
                raise ValueError(f"word {min(words)}")
            x[row, words], y[row] = [float(count) for _, count in pairs], float(label)
        except (ValueError, IndexError, TypeError) as error:
            raise ValueError(f"{file}, line {row + 1}: {error}") from error
        if y[row] not in (-1, 1):
            raise ValueError(f"{file}, line {row + 1}: label {label!r}, known: -1 and 1")
    return x, y


@lru_cache(maxsize=4)
def _of_arrays(file: Path, name: str, changed: tuple[int, int]) -> Domain:
    """Open a shop out of a file with a sparse matrix, a column a review, of all four.

    `offset` has the first review of each shop and the end. Of more than 5,000 words the first are
    taken.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            start, end = stored["offset"].ravel()[SHOPS.index(name) :][:2].astype(int)
            word, review = stored["xx_row"].ravel(), stored["xx_col"].ravel()
            own = (start <= review) & (review < end) & (word < WIDTH)
            x = np.zeros((end - start, WIDTH), np.float32)
            x[review[own] - start, word[own]] = stored["xx_data"].ravel()[own]
            y = stored["yy"].ravel()[start:end].astype(np.int64)
    except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile) as error:
        raise ValueError(f"cannot read {file}: {error}") from error
    return _build((x[:SHOWN], y[:SHOWN]), (x[SHOWN:], y[SHOWN:]))


def _build(train: Rows, test: Rows) -> Domain:
    """Build the domain of a shop from its reviews to train on and those to test on."""
    x = np.concatenate([train[0], test[0]])
    y = (np.concatenate([train[1], test[1]]) > 0).astype(np.int64)
    shown, tested = np.arange(len(train[0])), np.arange(len(train[0]), len(x))
    if not len(tested) or len(np.unique(train[1])) < 2:
        raise ValueError("amazon_reviews: a shop has no reviews to test on, or those of one class")
    held = splits.hold_out([*map(str, shown)], y[shown], 10)
    rows = {
        "source_train": shown[~held],
        "source_test": shown[held],
        "target_train": shown,
        "target_test": tested,
    }
    roles = {role: torch.from_numpy(own) for role, own in rows.items()}
    return Domain(CLASSES, torch.from_numpy(x), torch.from_numpy(y), roles, digest_rows(x))
