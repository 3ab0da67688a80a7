"""Commands that list what is available and fetch benchmarks."""

import sys
from collections.abc import Iterable, Iterator
from typing import Literal

from tyro.conf import Positional

ABSENT = " is not here"
"""Words of a line about what a data set lacks."""


def data(
    names: Positional[tuple[str, ...]] = (), *, clean: bool = False, check: bool = False
) -> None:
    """Fetch and decode benchmarks, for example `da data emoji`; without names, list their state.

    Args:
        names: Names of benchmarks; with --clean or --check of folders of the cache; none for all.
        clean: List what the cache holds, or remove what is named: folders of it, `unused` or `all`.
        check: Compare what the cache holds with its checksums, and remove what is damaged. Compare
            a published data set of yours, as office31, with its published classes and numbers.

    Raises:
        ValueError: If a name is unknown, or both options are given.
    """
    if clean and check:
        raise ValueError("either --clean or --check")
    for line in _stored_lines(names, check) if clean or check else _benchmark_lines(names):
        print(line)


def _stored_lines(names: tuple[str, ...], check: bool) -> Iterator[str]:
    from da.data import stored

    if check:
        return _check_lines(names)
    return stored.free(names) if names else stored.describe_stored()


def _check_lines(names: tuple[str, ...]) -> Iterator[str]:
    """Yield a line on what is checked; exit with 1 where nothing of a data set is here."""
    from da.config.registry import DATASETS
    from da.data import stored

    published = [name for name in names if name in DATASETS and hasattr(DATASETS[name], "check")]
    absent: list[str] = []
    for name in published:
        yield from _check_published(name, DATASETS[name].check(), absent)
    if (rest := tuple(name for name in names if name not in published)) or not names:
        yield from stored.check_stored(rest)
    if absent:
        print(*absent, sep="\n", file=sys.stderr)
        raise SystemExit(1)


def _check_published(name: str, lines: Iterable[str], absent: list[str]) -> Iterator[str]:
    """Yield all lines on a data set, or add one to `absent` where each says that it is not here."""
    held: list[str] = []
    found = False
    for line in lines:
        held.append(line)
        if found := found or ABSENT not in line:
            yield from held
            held.clear()
    if not found:
        first = held[0].partition(": ")[2] if held else f"`da data {name}` says what it needs"
        absent.append(f"da: nothing of {name} is here: {first}")


def _benchmark_lines(names: tuple[str, ...]) -> Iterator[str]:
    from da.data import catalog

    return catalog.prepare_benchmarks(names) if names else catalog.describe_benchmarks()


def list_(
    what: Positional[Literal["methods", "tasks", "backbones", "selectors", "recipes"]],
) -> None:
    """List all methods, tasks, backbones, selectors or recipes.

    Args:
        what: Kind of thing to list.
    """
    from da.cli import listings

    print("\n".join(listings.LISTS[what]()))


def recipe(what: Positional[Literal["list"]]) -> None:
    """List all recipes: method, name, data sets and source.

    Args:
        what: The word list.
    """
    list_("recipes")
