"""Commands that list what is available and fetch benchmarks."""

from typing import Literal

from tyro.conf import Positional


def data(names: Positional[tuple[str, ...]] = ()) -> None:
    """Fetch and decode benchmarks, for example `da data emoji`; without names, list their state.

    Args:
        names: Names of benchmarks; none to list the state of all.
    """
    from da.data import catalog

    for line in catalog.prepare_benchmarks(names) if names else catalog.describe_benchmarks():
        print(line)


def list_(
    what: Positional[Literal["methods", "tasks", "backbones", "selectors", "recipes"]],
) -> None:
    """List all methods, tasks, backbones, selectors or recipes.

    Args:
        what: Kind of thing to list.
    """
    from da.cli import listings

    print("\n".join(listings.LISTS[what]()))
