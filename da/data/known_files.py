"""Which files were stored, so that a store of more of them takes over what has not changed."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Shaped, UInt8

from da.data.domain import DAMAGE
from da.system import checksums
from da.system.cache import KEY

FILE = "files.npz"
"""File in a stored folder that says of which files each row is made."""


State = tuple[str, int, int, int]
"""Name, size in bytes, time of the last change and number of a file."""


class KnownFiles(NamedTuple):
    """The files that a stored folder was made of."""

    folder: Path | None
    rows: dict[State, int]
    """Row of each file in the folder, by the state of the file."""
    arrays: dict[str, Shaped[np.ndarray, "n ..."]]
    """What else is stored of each file, in the order of the rows."""


def file_states(root: Path, files: Sequence[Path]) -> list[State]:
    """Return the state of each file, which tells a changed one.

    The number of a file on its disk shows that folders changed places.

    Args:
        root: Folder that holds the files.
        files: The files.

    Raises:
        OSError: If one is not there.
    """
    start, states = len(str(root)) + 1, []
    for file in map(os.fspath, files):
        stat = os.stat(file)
        states.append((file[start:], stat.st_size, stat.st_mtime_ns, stat.st_ino))
    return states


def save_files(folder: Path, family: str, states: Sequence[State], **arrays: Any) -> None:
    """Write down in a stored folder which files it was made of.

    Args:
        folder: The folder.
        family: Text that all folders share of which one can take over from another.
        states: States of the files before they were read, one a row of what is stored.
        arrays: What else is known of each file.
    """
    names = np.frombuffer(
        "\0".join(name for name, *_ in states).encode(errors="surrogateescape"), np.uint8
    )
    numbers = np.array([numbers for _, *numbers in states], np.int64).reshape(-1, 3)
    told = np.frombuffer(family.encode(errors="surrogateescape"), np.uint8)
    np.savez(folder / FILE, family=told, names=names, numbers=numbers, **arrays)


def find_known(home: Path, family: str, name: str = FILE) -> KnownFiles:
    """Return the files of the newest stored folder of a family; none where there is none.

    All of the folder is compared with its checksums, so that no damage is taken over.

    Args:
        home: Folder of stored folders.
        family: Text that all folders share of which one can take over from another.
        name: File that the folder must have.
    """
    folders = [folder for folder in home.glob(KEY) if (folder / name).is_file()]
    for folder in sorted(folders, key=lambda folder: folder.stat().st_mtime, reverse=True):
        try:
            with np.load(folder / FILE) as stored:
                if _text(stored["family"]) == family and checksums.match(folder, whole=True):
                    return _known(folder, {name: stored[name] for name in stored.files})
        except DAMAGE:
            continue
    return KnownFiles(None, {}, {})


def _known(folder: Path, arrays: dict[str, np.ndarray]) -> KnownFiles:
    del arrays["family"]
    names, numbers = _text(arrays.pop("names")).split("\0"), arrays.pop("numbers").tolist()
    states = [(name, *each) for name, each in zip(names, numbers, strict=True)]
    return KnownFiles(folder, {state: row for row, state in enumerate(states)}, arrays)


def _text(letters: UInt8[np.ndarray, "_"]) -> str:
    return letters.tobytes().decode(errors="surrogateescape")
