"""What is known of a script that can be recorded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.fidelity.spy import Spy


@dataclass(frozen=True)
class Script:
    """A script of a public repository, and how it is run."""

    repository: str
    file: str
    """Path in the repository."""
    roles: tuple[tuple[str, ...], ...]
    """Name of each group of each optimizer."""
    run: Callable[[Path, Spy, Path], dict[str, Any]]
    """Function from the clone, what notes, and a folder for files, to the script's settings."""
    target_images: int = 1
    """Target images for each source image."""
    arguments: tuple[str, ...] = ()
    """Arguments of this case alone; all others have the script's defaults."""
    changes: tuple[str, ...] = ()
    """What is not as in the script, beside weights and images."""


@contextmanager
def old_numpy() -> Iterator[None]:
    """Give back the names that numpy no longer has, within the context."""
    gone = {name: kind for name, kind in (("float", float), ("int", int)) if name not in vars(np)}
    for name, kind in gone.items():
        setattr(np, name, kind)
    try:
        yield
    finally:
        for name in gone:
            delattr(np, name)
