"""Steps of sources that count epochs, and so images of domains."""

from collections.abc import Callable, Iterator
from itertools import permutations

IMAGES: dict[str, dict[str, int]] = {
    "office31": {"amazon": 2817, "dslr": 498, "webcam": 795},
    "officehome": {"art": 2427, "clipart": 4365, "product": 4439, "real": 4357},
    "visda2017": {"synthetic": 152_397, "real": 55_388},
}
"""Images of each domain, by data set."""

Lasting = Callable[[int, int], dict[str, int]]
"""A function from the images of source and target to the settings of a run's length."""


def by_task(data: str, lasting: Lasting) -> dict[str, dict[str, int]]:
    """Return the length of a run for each task of a data set, and first for all its others.

    Args:
        data: Name of the data set.
        lasting: The length for a number of source and of target images.
    """
    found = {task: lasting(*images) for task, *images in _tasks(data)}
    return {data: next(iter(found.values())), **found}


def _tasks(data: str) -> Iterator[tuple[str, int, int]]:
    """Yield each task of two domains with their images; VisDA's reality has no labels to train."""
    for (source, n), (target, m) in permutations(IMAGES[data].items(), 2):
        if (data, source) != ("visda2017", "real"):
            yield f"{data}:{source}-{target}", n, m


def count_batches(images: int, size: int, *, whole: bool = False) -> int:
    """Return the number of batches of an epoch.

    Args:
        images: Images of the domain.
        size: Images of a batch.
        whole: Whether a last batch with fewer images is left out.
    """
    return images // size if whole else -(-images // size)
