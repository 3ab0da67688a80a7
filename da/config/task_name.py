"""Names of tasks: how they are written, and what they say."""

import re
from pathlib import PurePath

SUPERVISED = {"imagefolder", "cifar10", "fashion_mnist", "luna16", "luna16-2d"}
"""Benchmarks whose tasks are all of one domain, whatever is in its path."""
LABELS = re.compile(r"\+(\d+)(shot|label)$")
"""End of a task's name that buys labels, of target images or of the one domain."""


def split_labels(task: str) -> tuple[str, int | None, str]:
    """Split a task's name into what stands before `+Kshot` or `+Klabel`, K, and the word.

    K is None, and the word empty, where the name has no such end.
    """
    found = LABELS.search(task)
    return (task[: found.start()], int(found[1]), found[2]) if found else (task, None, "")


def split_task(task: str) -> tuple[str, str, str, int]:
    """Benchmark, source, target and shots of `BENCHMARK:SOURCE-TARGET[+Kshot]`.

    A supervised task has no target, '', and labels in place of shots. It goes by the name alone: a
    record may come from a machine with other folders. Of paths with dashes that cut counts which
    leaves one folder twice, or else two neighbors, or a rooted target.
    """
    rest, k, _ = split_labels(task)
    benchmark, _, pair = rest.partition(":")
    found = re.finditer("[-:]", "" if benchmark in SUPERVISED else pair)
    cuts = [(pair[: m.start()], pair[m.end() :]) for m in found] or [(pair, "")]
    source, target = max(cuts, key=_plausible)
    return benchmark, source, target, k or 0


def domain(name: str) -> str:
    """A domain as a table heads it: of a path the last part that says something."""
    parts = [part for part in PurePath(name).parts if part != "images"]  # as Office-31 unpacks
    return parts[-1] if parts else name


def _plausible(cut: tuple[str, str]) -> tuple[bool, bool, bool]:
    source, target = cut
    neighbors = PurePath(source).parent == PurePath(target).parent
    return source == target, neighbors, target.startswith(("/", "~", "."))


def split_pair(pair: str, names: tuple[str, ...]) -> tuple[str, str]:
    """SOURCE and TARGET, both among `names`, or one of them and ''; ValueError otherwise."""
    if pair in names:
        return pair, ""
    source, _, target = pair.partition("-")
    for name in (source, target):
        if name not in names:
            raise ValueError(f"unknown domain {name!r} in {pair!r}, known: {', '.join(names)}")
    return source, target
