"""Texts that describe classes, to classify images of yours: from texts to a folder of images.

A task is written `captions:PATH/captions.csv-PATH/photos`. The file, CSV or Parquet, has the
columns `text` and `label`: descriptions of a class, two or more of each class, and its name. The
folder is one of `folder`, with a subfolder for each class, or flat and without labels. Texts and
images come from your disk; their number is up to you.

Texts are the source, and images the target, so the backbone needs both towers, as those of
`open_clip` have. Its features are in one space, where methods in regime frozen adapt.
"""

from pathlib import Path

import numpy as np

from da.config.choices import Fit
from da.data import paths
from da.data.datasets import _columns, folder
from da.data.datasets._vectors import build_domain
from da.data.domain import Domain
from da.data.texts import encode_texts

SYNTAX = "PATH/captions.csv-PATH/photos"
DOMAINS = ()
ANY_SIDE = True
SKIPS_BAD = True
FITS = True


def pair(names: str) -> tuple[str, str]:
    """Split `names` at the one '-' or ':' between an existing file and an existing folder.

    Raises:
        ValueError: If there is no such place, or more than one.
    """
    source, target = paths.split_paths(names, _find, "path", SYNTAX)
    if not paths.find_file(source) or not paths.find_folder(target):
        raise ValueError(f"{names!r} is no file of texts and folder of images, known: {SYNTAX}")
    return source, target


def _find(name: str) -> Path | None:
    return paths.find_file(name) or paths.find_folder(name)


def open_domain(name: str, side: int = 0, *, skip_bad: bool = False, fit: Fit = "squash") -> Domain:
    """Open the texts of a file, or the images under a folder as `folder` does.

    Args:
        name: Path of the file or folder.
        side: Width of network input in pixels; 0 for the usual one.
        skip_bad: Whether to leave out images that cannot be decoded.
        fit: How images that are no squares become squares.

    Raises:
        ValueError: If a column is missing, or a row has no text or no label.
    """
    file = paths.find_file(name)
    return _open_texts(file) if file else folder.open_domain(name, side, skip_bad=skip_bad, fit=fit)


open_unlabeled = folder.open_unlabeled


def check_images(name: str) -> None:
    """Look at the images under a folder, without decoding any; see `folder`."""
    if not paths.find_file(name):
        folder.check_images(name)


def class_names(name: str, *, check: bool = False) -> tuple[str, ...]:
    """Return the names of a file's or folder's classes; see `folder`."""
    file = paths.find_file(name)
    return _open_texts(file).classes if file else folder.class_names(name, check=check)


def _open_texts(file: Path) -> Domain:
    _columns.require_columns(file, ["text", "label"])
    rows = range(len(_columns.read_columns(file)["text"]))
    texts, labels = (_columns.read_texts(file, column, rows) for column in ("text", "label"))
    if len(texts) and min(np.unique(labels, return_counts=True)[1]) < 2:
        alone = next(label for label in labels if labels.count(label) < 2)
        raise ValueError(f"{file} has one text of the class {alone!r}: two are needed at least")
    return build_domain(str(file), encode_texts(texts), np.array(labels))
