"""Commands that tell what there is."""

from typing import Literal

from tyro.conf import Positional


def data(names: Positional[tuple[str, ...]] = ()) -> None:
    """Fetch and decode benchmarks, for example `da data emoji`; without names, list their state."""
    from da import domains

    for line in domains.prepare(names) if names else domains.state():
        print(line)


def list_(
    what: Positional[Literal["methods", "tasks", "backbones", "selectors", "recipes"]],
) -> None:
    """Show what there is."""
    from da import listing

    print("\n".join(listing.LISTS[what]()))
