"""Which images exist, and which of them a task may show."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, Shaped, UInt8
from torch import Tensor

from da.home import home

PARTS = "source_train", "source_test", "target_train", "target_test"


@dataclass(frozen=True)
class Images:
    """Some rows of a stored array; nothing is read before it is taken."""

    x: Shaped[Tensor, "b ..."]
    """Pixels as uint8 `b h w c`, or features as float `b d`."""
    rows: Int[Tensor, "_"]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, i: Int[Tensor, "_"]) -> Shaped[Tensor, "_ ..."]:
        """Copies of the images at places `i`."""
        return self.x.index_select(0, self.rows[i].to(self.x.device, non_blocking=True))


@dataclass(frozen=True)
class LabeledImages(Images):
    """Images and the class of each row of the stored array."""

    classes: Int[Tensor, "b"]

    @property
    def y(self) -> Int[Tensor, "_"]:
        """The class of each image."""
        return self.classes[self.rows]

    def take_y(self, i: Int[Tensor, "_"]) -> Int[Tensor, "_"]:
        """Classes of the images at places `i`."""
        return self.classes[self.rows[i]]


@dataclass(frozen=True)
class Domain:
    """Images of one kind, or their features, their classes, and who may see which."""

    classes: tuple[str, ...]
    x: Shaped[Tensor, "b ..."]
    y: Int[Tensor, "b"]
    rows: dict[str, Tensor]
    """Rows of `x` to be used in each role, by the names in `PARTS`."""
    digest: str
    """SHA-256 of the pixels."""

    def part(self, rows: Int[Tensor, "_"]) -> LabeledImages:
        """Some of the images."""
        return LabeledImages(self.x, rows, self.y)


@dataclass(frozen=True)
class Task:
    """Adapt from a labelled source to an unlabelled target, then be marked on target test images.

    Training gets to see `source_train`, `target_train` and `shots`; the rest is for evaluation.
    """

    name: str
    classes: tuple[str, ...]
    source_train: LabeledImages
    target_train: Images
    source_test: LabeledImages
    target_test: LabeledImages
    shots: LabeledImages | None = None
    """Labelled target images, a few of each class, in tasks that end in `+Kshot`."""


def store(
    folder: Path,
    x: UInt8[np.ndarray, "b h w c"],
    y: Int[np.ndarray, "b"],
    classes: tuple[str, ...],
    rows: dict[str, Int[np.ndarray, "_"]],
) -> None:
    """Write a domain to `folder`; `stored` reads it back.

    Where pixels are too many for memory, `x` is the map of a file that is `folder`/x.npy already.
    """
    assert set(rows) == set(PARTS), rows.keys()
    folder.mkdir(parents=True, exist_ok=True)
    if not isinstance(x, np.memmap):
        np.save(folder / "x.npy", x)
    arrays: dict[str, Any] = rows | {"y": y.astype(np.int64)}
    np.savez(folder / "rows.npz", **arrays)
    digest = hashlib.sha256(np.ascontiguousarray(x).data)
    about = {"classes": classes, "digest": digest.hexdigest()}
    (folder / "about.json").write_text(json.dumps(about))


def stored(folder: Path) -> Domain:
    """A domain written by `store`; its pixels stay on disk until they are drawn."""
    about = json.loads((folder / "about.json").read_text())
    with np.load(folder / "rows.npz") as file:
        rows = {name: torch.from_numpy(file[name]) for name in file.files}
    x = torch.from_numpy(np.load(folder / "x.npy", mmap_mode="c"))
    return Domain(tuple(about["classes"]), x, rows.pop("y"), rows, about["digest"])


BENCHMARKS = {"emoji": "emoji", "digits": "digits", "folder": "folders", "moons": "moons"}
"""Benchmark to its module: `DOMAINS`, `SYNTAX`, `pair(names)`, `open_domain(name)`.

A module with `ANY_SIDE`, whose images have no size of their own, takes `open_domain(name, side)`.
"""


def parse(name: str) -> tuple[str, str, str, int]:
    """Benchmark, source, target and shots of `BENCHMARK:SOURCE-TARGET[+Kshot]`.

    Raises ValueError, naming what is known, for an unknown benchmark or domain.
    """
    benchmark, _, pair = name.partition(":")
    if benchmark not in BENCHMARKS:
        raise ValueError(f"unknown benchmark {benchmark!r} in {name!r}, known: {known()}")
    shots = re.fullmatch(r"(.*)\+(\d+)shot", pair)
    source, target = _module(benchmark).pair(shots[1] if shots else pair)
    if shots and not int(shots[2]):
        raise ValueError(f"no shots in {name!r}: say +1shot or more, or leave it out")
    return benchmark, source, target, int(shots[2]) if shots else 0


def known() -> str:
    """How tasks are written, a benchmark each."""
    return ", ".join(f"{name}:{_module(name).SYNTAX}" for name in BENCHMARKS)


def split_pair(pair: str, names: tuple[str, ...]) -> tuple[str, str]:
    """SOURCE and TARGET, both among `names`; ValueError otherwise."""
    source, _, target = pair.partition("-")
    for name in (source, target):
        if name not in names:
            raise ValueError(f"unknown domain {name!r} in {pair!r}, known: {', '.join(names)}")
    return source, target


def open_pair(name: str, side: int = 0) -> tuple[Domain, Domain]:
    """Source and target domain of a task; fetched and decoded first where they are not yet.

    Images of any size are decoded for network input of `side` pixels, 0 for the usual.
    """
    benchmark, source, target, _ = parse(name)
    module = _module(benchmark)
    sized = {"side": side} if side and getattr(module, "ANY_SIDE", False) else {}
    domains = [module.open_domain(domain, **sized) for domain in (source, target)]
    a, b = (domain.classes for domain in domains)
    if a != b:
        raise ValueError(
            f"{name}: only {source} has {sorted(set(a) - set(b))}, "
            f"only {target} has {sorted(set(b) - set(a))}"
        )
    return domains[0], domains[1]


def build(name: str, source: Domain, target: Domain) -> Task:
    """The task `name` from its two domains.

    Where both are the same domain, it is tested on images whose classes it was not trained with.
    Shots are never tested on.
    """
    _, source_name, target_name, k = parse(name)
    shots = _shots(name, target, k)
    test = target.rows["source_test" if source_name == target_name else "target_test"]
    return Task(
        name,
        source.classes,
        source.part(source.rows["source_train"]),
        Images(target.x, target.rows["target_train"]),
        source.part(source.rows["source_test"]),
        target.part(test[torch.isin(test, shots, invert=True)]),
        target.part(shots) if k else None,
    )


def task(name: str) -> Task:
    """Look up a task by name, for example `emoji:noto-twemoji` or `digits:mnist-mnistm+3shot`."""
    return build(name, *open_pair(name))


def _shots(name: str, target: Domain, k: int) -> Int[Tensor, "_"]:
    """Rows of the first `k` target training images of each class."""
    rows = target.rows["target_train"]
    each = [rows[target.y[rows] == c][:k] for c in range(len(target.classes))]
    for label, mine in zip(target.classes, each, strict=True):
        if len(mine) < k:
            raise ValueError(f"{name}: {label} has only {len(mine)} target training images")
    return torch.cat(each)


def _module(benchmark: str) -> Any:
    return import_module(f"da.domains.{BENCHMARKS[benchmark]}")


def every_task() -> list[str]:
    """All tasks between the domains of each benchmark, or how its tasks are written."""
    tasks = []
    for name in BENCHMARKS:
        pairs = ["-".join(pair) for pair in permutations(_module(name).DOMAINS, 2)]
        tasks += [f"{name}:{pair}" for pair in pairs or [_module(name).SYNTAX]]
    return tasks


def prepare(names: Iterable[str]) -> Iterator[str]:
    """Fetch and decode whole benchmarks, with a line on each domain."""
    for name in names:
        if name not in BENCHMARKS or not _module(name).DOMAINS:
            known = ", ".join(n for n in BENCHMARKS if _module(n).DOMAINS)
            raise ValueError(f"unknown benchmark {name!r}, known: {known}")
        for domain in _module(name).DOMAINS:
            d = _module(name).open_domain(domain)
            size = " x ".join(map(str, d.x.shape[1:]))
            yield f"{name}:{domain:10} {len(d.x)} images, {size}, {len(d.classes)} classes"


def state() -> Iterator[str]:
    """A line on each benchmark: what it is, and whether it is here."""
    for name in BENCHMARKS:
        module = _module(name)
        about = module.__doc__.partition("\n")[0]
        if not module.DOMAINS:
            yield f"{name:8} {about} Tasks: {name}:{module.SYNTAX}"
            continue
        size = sum(f.stat().st_size for f in (home() / name).rglob("*") if f.is_file())
        here = f"{size / 1e6:.0f} MB in {home() / name}" if size else f"not here: da data {name}"
        yield f"{name:8} {about} Domains: {', '.join(module.DOMAINS)}; {here}"
