"""Test images of a task that are labeled training images too, as equal images or near copies."""

import sys
from functools import cache

import numpy as np
import torch
from jaxtyping import Bool, UInt64

from da.config.registry import DATASETS
from da.data.domain import Domain, Task, are_same
from da.data.image_hashes import exact_hashes, perceptual_hashes
from da.data.tasks import parse_task

NEAR = 10, 12
"""Most bits of 256 in which the two perceptual hashes of near copies differ.

Of 4 x 4 blocks of noise, photographs and emoji that were saved again as JPEG of quality 85 in 3/4
of the size, 87, 86 and 97 % differ by no more in one of the two. No two drawings of an emoji in
other styles do, and of 2,000 test digits of MNIST none does from any of 12,000 training digits.
"""

COMMON = 8
"""Most source images that share a perceptual hash; a hash that more have tells nothing."""

PAIRS = 50_000_000
"""Most pairs of images that are compared bit by bit; of more, only equal hashes are found."""

BLOCK = 200_000
"""Pairs that are in memory at a time."""

_found: dict[tuple[str, ...], tuple[int, int]] = {}


def report_overlap(task: Task, source: Domain, target: Domain, *tests: Domain) -> dict[str, int]:
    """Say on stderr, once a process, which test images of a task are training images too.

    Args:
        task: The task.
        source: Its source domain, with pixels.
        target: Its target domain, with pixels.
        tests: The domain of its test images, with pixels, where that is another one.

    Returns:
        The number of equal images as `repeated`, for the record; nothing where there are none.
    """
    name, total = parse_task(task.name), len(task.target_test)
    domains = source, target, *tests
    key = task.name, *(domain.data_digest for domain in domains)
    if key not in _found:
        _found[key] = count_repeated(task, *domains), count_near(task, *domains)
    repeated, near = _found[key]
    if name.target and name.source != name.target and are_same(source, target):
        _tell(f"{task.name}: source and target are one domain: tested on {total} held-out images")
    images = f"of {total} {'target ' if name.target else ''}test images"
    training = f"{'source' if name.target else 'labeled'} training images"
    if repeated:
        _tell(f"{task.name}: {repeated} {images} are {training} too: accuracies may be too high")
    if near:
        _tell(
            f"{task.name}: {near} {images} look like copies of {training}, saved again or resized"
        )
    return {"repeated": repeated} if repeated else {}


@cache
def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def count_repeated(task: Task, *domains: Domain) -> int:
    """Count the test images that equal a labeled training image of the source, or a shot."""
    return int(np.isin(*_compared(task, *map(exact_hashes, domains))).sum())


def count_near(task: Task, *domains: Domain) -> int:
    """Count the test images that look like a labeled training image, but do not equal one.

    Only the user's own images are compared, those of benchmarks that take images of any size.
    """
    own = getattr(DATASETS[parse_task(task.name).benchmark], "ANY_SIDE", False)
    if not own or any(domain.x.ndim != 4 for domain in domains):
        return 0
    equal = np.isin(*_compared(task, *map(exact_hashes, domains)))
    tests, known = _compared(task, *map(perceptual_hashes, domains))
    near = [_have_near(tests[:, i], known[:, i], most) for i, most in enumerate(NEAR)]
    return int((np.any(near, 0) & ~equal).sum())


def _compared(
    task: Task, source: np.ndarray, target: np.ndarray, *tests: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Select the hashes of test images, and of labeled training images with shots."""
    shots = task.shots.rows if task.shots else torch.empty(0, dtype=torch.int64)
    labeled = source[task.source_train.rows.numpy()], target[shots.numpy()]
    tested = tests[0] if tests else target
    return tested[task.target_test.rows.numpy()], np.concatenate(labeled)


def _have_near(
    tests: UInt64[np.ndarray, "n 4"], known: UInt64[np.ndarray, "m 4"], most: int
) -> Bool[np.ndarray, "n"]:
    """Mark the hashes that differ from a known one, other than zeros, in at most `most` bits."""
    distinct, counts = np.unique(known, axis=0, return_counts=True)
    distinct = distinct[distinct.any(1) & (counts <= COMMON)]
    if len(tests) * len(distinct) > PAIRS:
        return np.isin(_packed(tests), _packed(distinct))
    blocks = np.array_split(tests, len(tests) * len(distinct) // BLOCK + 1)
    return np.concatenate([_near_one(block, distinct, most) for block in blocks])


def _near_one(
    tests: UInt64[np.ndarray, "n 4"], known: UInt64[np.ndarray, "m 4"], most: int
) -> Bool[np.ndarray, "n"]:
    """Mark the hashes near a known one: near in a quarter of the bits first, which few are."""
    close = np.flatnonzero(np.bitwise_count(tests[:, 1, None] ^ known[:, 1]) <= most)
    test, other = np.divmod(close, len(known))
    near = np.bitwise_count(tests[test] ^ known[other]).sum(1, dtype=np.int64) <= most
    return np.isin(np.arange(len(tests)), test[near])


def _packed(hashes: UInt64[np.ndarray, "n 4"]) -> np.ndarray:
    """Return each hash as one value of 32 bytes, which can be compared whole."""
    return np.ascontiguousarray(hashes).view("S32").ravel()
