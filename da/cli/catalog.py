"""Commands that tell what there is."""

from typing import Literal

from tyro.conf import Positional


def data(names: Positional[tuple[str, ...]] = ()) -> None:
    """Fetch and decode benchmarks, for example `da data emoji`; without names, list their state."""
    from da.data import catalog

    for line in catalog.prepare_benchmarks(names) if names else catalog.describe_benchmarks():
        print(line)


def list_(
    what: Positional[Literal["methods", "tasks", "backbones", "selectors", "recipes"]],
) -> None:
    """Show what there is."""
    from da.cli import listings

    print("\n".join(listings.LISTS[what]()))
