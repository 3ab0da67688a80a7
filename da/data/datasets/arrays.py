"""Your own features or images as NumPy arrays: a file `.npz` for each domain.

A file holds `x`: features `b d` of numbers, or square images `b h w c` of bytes with one or three
channels. Next to it is `y`: the class of each row, of two or more, as whole numbers or words. A
target may lack `y`, and `+unlabelled` after a task does not look at it. A task is written
`arrays:PATH/SOURCE.npz-PATH/TARGET.npz`. Rows come from your disk; their number is up to you.

Other arrays of `b` labels, named as you like, are further label columns.

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
LABEL_COLUMNS = ()

CLASS = "y"
"""Array of the class, where the run names no other."""


def pair(names: str) -> tuple[str, str]:
    """Split `names` at the one '-' or ':' that has an existing file on both sides.

    Raises:
        ValueError: If there is no such place, or more than one.
    """
    return paths.split_paths(names, paths.find_file, "file", SYNTAX)


def open_domain(name: str, columns: tuple[str, ...] = ()) -> Domain:
    """Open the rows in the file `name`; without `y` they have no labels.

    Args:
        name: Path of the file.
        columns: Arrays of labels, the first as the class; empty for `y`.

    Raises:
        ValueError: If the file has no such arrays, or a number in it is not finite.
    """
    file = paths.require_file(name)
    return _read(file, columns or (CLASS,), paths.file_state(file))


def open_unlabeled(name: str, columns: tuple[str, ...] = ()) -> Domain:
    """Open the rows in the file `name`, and do not look at labels; errors as for `open_domain`."""
    file = paths.require_file(name)
    return _read(file, (), paths.file_state(file))


@lru_cache(maxsize=4)
def _read(file: Path, columns: tuple[str, ...], state: tuple[int, int]) -> Domain:
    """Read a file again where its `state` has changed."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            if not hasattr(stored, "files"):
                raise ValueError("it holds one array without a name")
            found = {name: stored[name] for name in ("x", *columns) if name in stored.files}
            known = ", ".join(stored.files)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise ValueError(f"cannot read the arrays in {file}: {error}") from error
    if "x" not in found:
        raise ValueError(f"{file} has the arrays {known or 'none'}, known: x and y")
    x = _checked(file, found["x"])
    for name in columns:
        if name in found and found[name].shape != (len(x),):
            raise ValueError(
                f"{file}: x has {len(x)} rows, and {name} the shape {found[name].shape}"
            )
        if columns != (CLASS,) and name not in found:
            raise ValueError(f"{file} has no label column {name!r}, known: {known}")
    main, further = columns[:1] or (CLASS,), columns[1:]
    return build_domain(str(file), x, found.get(main[0]), {name: found[name] for name in further})


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
