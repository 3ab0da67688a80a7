"""Your own Python objects: Datasets, arrays and tensors, made into a task by `da.Task`.

    task = da.Task(source=photos, target=sketches, test=labelled_sketches, name="mine")

A task is written `python:mine.DIGITS-DIGITS`, as `da.Task` names it, where the digits stand for the
content of source and target. The images are stored in the cache, so that other processes of this
machine find them there.
"""

import re
import sys
from functools import cache

from da.data.domain import Domain
from da.data.own_task import is_stored, open_columns, open_own, stored_side

SYNTAX = "NAME.DIGITS-DIGITS"
DOMAINS = ()
ANY_SIDE = True
LABEL_COLUMNS = ()
NAMES = re.compile(r"\w+\.([0-9a-f]{12})-([0-9a-f]{12})")


def pair(names: str) -> tuple[str, str]:
    """Split what follows `python:` into the names of source and target.

    Raises:
        ValueError: If it is no name of a task, or its images are not stored here.
    """
    found = NAMES.fullmatch(names)
    if not found:
        raise ValueError(f"no task of da.Task: python:{names}, known: what da.Task(...) gives")
    if not all(map(is_stored, found.groups())):
        raise ValueError(
            f"the data of python:{names} is not here: build its task again, by the same da.Task"
        )
    source, _, target = names.partition("-")
    return source, target


def open_domain(name: str, side: int = 0, columns: tuple[str, ...] = ()) -> Domain:
    """Open a domain that `da.Task` stored.

    Args:
        name: Its digits, perhaps after a name and a dot.
        side: Width of network input, in pixels; 0 for the usual one.
        columns: Label columns, the first as the class; empty for the first that there is.

    Raises:
        ValueError: If it is not stored, or stored for narrower input.
    """
    digits = name.rpartition(".")[2]
    domain, known = open_own(digits), open_columns(digits)
    if domain.x.ndim == 4 and domain.x.shape[1] < stored_side(side):
        raise ValueError(
            f"the images of python:{name} are stored {domain.x.shape[1]} pixels wide: for side "
            f"{side} build their task by da.Task(..., side={side})"
        )
    if columns:
        return domain.with_columns(known, columns, f"python:{name}")
    if known:
        _tell(", ".join(known), next(iter(known)))
    return domain


@cache
def _tell(every: str, first: str) -> None:
    """Say once that there are further label columns, which a run has to name."""
    print(
        f"da: label columns {every}: only {first} is learned without label_columns", file=sys.stderr
    )
