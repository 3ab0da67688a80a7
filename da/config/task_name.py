"""Names of tasks, and the functions that take them apart."""

import re
from pathlib import PurePath

SUPERVISED = {"imagefolder", "cifar10", "fashion_mnist", "luna16", "luna16-2d"}
"""Benchmarks whose tasks all have one domain, even if its path contains a dash or a colon."""
LABELS = re.compile(r"\+(\d+)(shot|label)$")
"""End of a task name that sets a number of labels: of target images, or of the one domain."""


def split_labels(task: str) -> tuple[str, int | None, str]:
    """Split a task name into the part before `+Kshot` or `+Klabel`, K, and the word after K.

    Without such an end, K is None and the word is empty.
    """
    found = LABELS.search(task)
    return (task[: found.start()], int(found[1]), found[2]) if found else (task, None, "")


def split_task(task: str) -> tuple[str, str, str, int]:
    """Split `BENCHMARK:SOURCE-TARGET[+Kshot]` into benchmark, source, target and shots.

    A supervised task has the target '' and its number of labels in place of shots.

    The result depends on the name alone, since a record may come from a machine with other folders.
    A pair of paths with dashes can be cut in several places. The best cut leaves the same folder
    twice. The next best leaves two neighboring folders, and then a rooted target.
    """
    rest, k, _ = split_labels(task)
    benchmark, _, pair = rest.partition(":")
    found = re.finditer("[-:]", "" if benchmark in SUPERVISED else pair)
    cuts = [(pair[: m.start()], pair[m.end() :]) for m in found] or [(pair, "")]
    source, target = max(cuts, key=_plausible)
    return benchmark, source, target, k or 0


def domain(name: str) -> str:
    """Return the name of a domain for the head of a table: the last telling part of a path."""
    # Office-31 unpacks each domain into a folder `images`, which says nothing.
    parts = [part for part in PurePath(name).parts if part != "images"]
    return parts[-1] if parts else name


def _plausible(cut: tuple[str, str]) -> tuple[bool, bool, bool]:
    """Rank a cut by whether its folders are equal, are neighbors, or have a rooted target."""
    source, target = cut
    neighbors = PurePath(source).parent == PurePath(target).parent
    return source == target, neighbors, target.startswith(("/", "~", "."))


def split_pair(pair: str, names: tuple[str, ...]) -> tuple[str, str]:
    """Split `SOURCE-TARGET` into two domains out of `names`.

    A single domain gives that domain and ''.

    Raises:
        ValueError: A domain is not in `names`.
    """
    if pair in names:
        return pair, ""
    source, _, target = pair.partition("-")
    for name in (source, target):
        if name not in names:
            raise ValueError(f"unknown domain {name!r} in {pair!r}, known: {', '.join(names)}")
    return source, target
