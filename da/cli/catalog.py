"""Commands that list what is available and fetch benchmarks."""

from collections.abc import Iterator
from typing import Literal

from tyro.conf import Positional


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
    from da.config.registry import DATASETS
    from da.data import stored

    published = [name for name in names if name in DATASETS and hasattr(DATASETS[name], "check")]
    for name in published:
        yield from DATASETS[name].check()
    if (rest := tuple(name for name in names if name not in published)) or not names:
        yield from stored.check_stored(rest)


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
