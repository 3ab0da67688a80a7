"""Data sets of corrupted images, made of the held-out images of another data set's domains."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor

from da.config.corruption_names import CORRUPTIONS, expand
from da.data.corruptions import corrupt
from da.data.domain import PARTS, Domain, keep_domain, save_domain
from da.system.cache import cache_home

RECIPE = 1
"""Cache version. Increase it when the pixels of a corruption change."""

SEVERITIES = range(1, 6)


def open_corrupted(
    benchmark: str, name: str, open_clean: Callable[[str], Domain], held: Callable[[Domain], Tensor]
) -> Domain:
    """Open a style as a source, with its held-out images as a target, or these after a corruption.

    Args:
        benchmark: Name of the data set.
        name: `STYLE` or `STYLE.CORRUPTION1` to `5`.
        open_clean: Function that opens a style.
        held: Function from a style to the rows that no source trains on.
    """
    style, _, change = name.partition(".")
    clean = open_clean(style)
    rows = held(clean)
    if not change:
        return replace(clean, rows=clean.rows | {"target_train": rows, "target_test": rows})

    def write(folder: Path) -> None:
        print(f"{benchmark}: making {name}, once", file=sys.stderr)
        x = corrupt(clean.x.index_select(0, rows).numpy(), change[:-1], int(change[-1]))
        roles = dict.fromkeys(PARTS, torch.arange(len(x)).numpy())
        save_domain(folder, x, clean.y[rows].numpy(), clean.classes, roles)

    key = f"{RECIPE}-{clean.digest[:8]}"
    return keep_domain(cache_home() / benchmark / key / name, write)


def rows_without_source(clean: Domain) -> Int[Tensor, "_"]:
    """Return the rows of a style that are not for training a source."""
    every = torch.arange(len(clean.y))
    return every[torch.isin(every, clean.rows["source_train"], invert=True)]


def split_corrupted(names: str, styles: Sequence[str]) -> tuple[str, str]:
    """Split `STYLE-STYLE.CORRUPTION5[,...]` into source and target, or return a style and "".

    Sources are clean: a corrupted picture shows what a test image of another corruption shows.

    Args:
        names: What stands in the task's name.
        styles: Names of the clean domains.

    Raises:
        ValueError: A domain is unknown, or stands twice on one side.
    """
    source, dash, target = names.partition("-")
    for name in source.split(","):
        if name not in styles:
            raise ValueError(f"unknown source {name!r} in {names!r}, known: {', '.join(styles)}")
    targets = [own for name in target.split(",") for own in expand(name)] if dash else []
    for name in targets:
        style, dot, change = name.partition(".")
        if style not in styles or bool(dot) != _is_corruption(change):
            raise ValueError(
                f"unknown domain {name!r} in {names!r}, known: {', '.join(styles)}, each alone or "
                f"as in {styles[0]}.fog5, with 1 to 5 after all, {', '.join(CORRUPTIONS)}"
            )
    for side in (source.split(","), targets):
        if len({*side}) < len(side):
            raise ValueError(f"{names!r} has a domain twice")
    return source, target


def _is_corruption(change: str) -> bool:
    return change[:-1] in CORRUPTIONS and change[-1:] in map(str, SEVERITIES)
