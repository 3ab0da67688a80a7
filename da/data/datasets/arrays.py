"""Your own features or images as NumPy arrays: a file `.npz` for each domain.

A file holds `x`: features `b d` of numbers, or square images `b h w c` of bytes with one or three
channels. Next to it is `y`: the class of each row, of two or more, as whole numbers or words. A
target may lack `y`, and `+unlabelled` after a task does not look at it. A task is written
`arrays:PATH/SOURCE.npz-PATH/TARGET.npz`. Rows come from your disk; their number is up to you.

Rows have the roles that images have in tasks of `folder`. Features need a backbone that takes them:
`identity` passes them on, for regime frozen and the methods that map features; `mlp` learns others.
"""

from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from da.data import paths
from da.data.datasets._vectors import build_domain
from da.data.domain import Domain

SYNTAX = "PATH/SOURCE.npz-PATH/TARGET.npz"
DOMAINS = ()


def pair(names: str) -> tuple[str, str]:
    """Split `names` at the one '-' or ':' that has an existing file on both sides.

    Raises:
        ValueError: If there is no such place, or more than one.
    """
    return paths.split_paths(names, paths.find_file, "file", SYNTAX)


def open_domain(name: str) -> Domain:
    """Open the rows in the file `name`; without `y` they have no labels.

    Raises:
        ValueError: If the file has no such arrays, or a number in it is not finite.
    """
    return _open(name, labeled=True)


def open_unlabeled(name: str) -> Domain:
    """Open the rows in the file `name`, and do not look at `y`; errors as for `open_domain`."""
    return _open(name, labeled=False)


def _open(name: str, *, labeled: bool) -> Domain:
    file = paths.require_file(name)
    return _read(file, labeled, paths.file_state(file))


@lru_cache(maxsize=4)
def _read(file: Path, labeled: bool, state: tuple[int, int]) -> Domain:
    """Read a file again where its `state` has changed."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            if not hasattr(stored, "files"):
                raise ValueError("it holds one array without a name")
            found = {name: stored[name] for name in ("x", "y") if name in stored.files}
            known = ", ".join(stored.files)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise ValueError(f"cannot read the arrays in {file}: {error}") from error
    if "x" not in found:
        raise ValueError(f"{file} has the arrays {known or 'none'}, known: x and y")
    x, y = _checked(file, found["x"]), found.get("y") if labeled else None
    if y is not None and y.shape != (len(x),):
        raise ValueError(f"{file}: x has {len(x)} rows, and y the shape {y.shape}")
    return build_domain(str(file), x, y)


def _checked(file: Path, x: np.ndarray) -> np.ndarray:
    """Return features as float32, or images with three channels.

    Raises:
        ValueError: If they are neither, or a feature is not finite.
    """
    if not len(x):
        raise ValueError(f"{file}: x has no rows")
    if x.ndim == 4 and x.dtype == np.uint8 and x.shape[1] == x.shape[2] and x.shape[3] in (1, 3):
        return np.ascontiguousarray(np.broadcast_to(x, (*x.shape[:3], 3)))
    if x.ndim != 2 or x.dtype.kind not in "fiu":
        known = "known: features b d of numbers, or square images b h w c of uint8, c being 1 or 3"
        raise ValueError(f"{file}: x has the shape {x.shape} of {x.dtype}, {known}")
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(x, np.float32)
    if len(bad := np.argwhere(~np.isfinite(numbers))):
        row, column = bad[0]
        raise ValueError(f"{file}: x has {x[row, column]} in row {row}, column {column}")
    return numbers
