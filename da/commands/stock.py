"""Commands that tell what there is."""

from typing import Literal

from tyro.conf import Positional


def data(names: Positional[tuple[str, ...]] = ()) -> None:
    """Fetch and decode benchmarks, for example `da data emoji`; without names, list their state."""
    from da.domains import catalogue

    for line in catalogue.prepare(names) if names else catalogue.state():
        print(line)


def list_(
    what: Positional[Literal["methods", "tasks", "backbones", "selectors", "recipes"]],
) -> None:
    """Show what there is."""
    from da import listing

    print("\n".join(listing.LISTS[what]()))
