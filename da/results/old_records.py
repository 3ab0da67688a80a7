"""Records that a newer one of the same run replaced, in `old/` of their folder.

This module does not import torch.
"""

import os
import shutil
from itertools import count
from pathlib import Path

FOLDER = "old"
"""Name of the folder of old records, in the folder of the records."""


def set_aside(file: Path) -> Path:
    """Copy a record's file to a name of its own, `old/ID.N.json`, and return that path.

    Something else than a file, such as a folder of that name, is moved.
    """
    old = file.parent / FOLDER
    old.mkdir(exist_ok=True)
    names = (old / f"{file.stem}.{n}.json" for n in count(1))
    kept = next(path for path in names if not os.path.lexists(path))
    if file.is_file():
        shutil.copy2(file, kept)
    else:
        file.rename(kept)
    return kept


def list_old(folder: Path) -> dict[str, list[Path]]:
    """Return the files of the old records in a folder, by the ids of the runs."""
    found: dict[str, list[Path]] = {}
    for file in sorted((folder / FOLDER).glob("*.json")):
        found.setdefault(file.name.partition(".")[0], []).append(file)
    return found
