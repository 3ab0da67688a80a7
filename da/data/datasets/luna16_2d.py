"""LUNA16 with one axial slice of each patch in all three channels, in place of three slices.

Images, classes, files and sets are those of `da.data.datasets.luna16`. A task is written
`luna16_2d:PATH`.
"""

from pathlib import Path

import numpy as np

from da.data.datasets import luna16
from da.data.domain import Domain, keep_domain, save_domain
from da.data.stored_rows import take_rows
from da.system.cache import cache_home, remove_unused

SYNTAX = "PATH"
DOMAINS = ()
ONE_DOMAIN = True
pair = luna16.pair


def open_domain(name: str) -> Domain:
    """Open the middle slices of luna16's patches, in the same rows.

    Raises:
        ValueError: In the same cases as for luna16.
    """
    deep = luna16.open_domain(name)

    def write(folder: Path) -> None:
        remove_unused(folder.parent)
        flat = np.repeat(take_rows(deep.x, None)[..., 1:2].numpy(), 3, axis=-1)
        rows = {role: some.numpy() for role, some in deep.rows.items()}
        save_domain(folder, flat, deep.y.numpy(), deep.classes, rows)

    return keep_domain(cache_home() / "luna16_2d" / deep.digest[:24], write)
