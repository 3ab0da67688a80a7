"""Which images exist, and which of them a task may show."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, Shaped, UInt8
from torch import Tensor

from da.data import splits
from da.data.transforms import Resize, unaugmented

PARTS = "source_train", "source_test", "target_train", "target_test"


@dataclass(frozen=True)
class Images:
    """Some rows of a stored array; nothing is read before it is taken."""

    x: Shaped[Tensor, "b ..."]
    """Pixels as uint8 `b h w c`, or features as float `b d`."""
    rows: Int[Tensor, "_"]
    resize: Resize = field(default=Resize(), kw_only=True)
    """How pixels become network input."""

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, i: Int[Tensor, "_"]) -> Shaped[Tensor, "_ ..."]:
        """Copies of the images at places `i`."""
        return self.x.index_select(0, self.rows[i].to(self.x.device, non_blocking=True))

    def shown(self, i: Int[Tensor, "_"], device: torch.device) -> Shaped[Tensor, "_ ..."]:
        """The images at places `i` as network input for evaluation, on `device`."""
        return unaugmented(self.take(i).to(device), self.resize)


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
    resize: Resize = field(default=Resize())

    def part(self, rows: Int[Tensor, "_"]) -> LabeledImages:
        """Some of the images."""
        return LabeledImages(self.x, rows, self.y, resize=self.resize)

    def unlabeled(self, rows: Int[Tensor, "_"]) -> Images:
        """Some of the images, without their classes."""
        return Images(self.x, rows, resize=self.resize)


@dataclass(frozen=True)
class Task:
    """Adapt from a labelled source to an unlabelled target, then be marked on target test images.

    Training gets to see `source_train`, `target_train` and `shots`; the rest is for evaluation. A
    supervised task has one domain: its labelled training images are the source, the same without
    labels the target, and `source_test` are validation images, which are none of `target_test`.
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


BENCHMARKS = {
    "emoji": "emoji",
    "digits": "digits",
    "folder": "folder",
    "moons": "moons",
    "imagefolder": "imagefolder",
    "cifar10": "cifar10",
    "fashion_mnist": "fashion_mnist",
    "luna16": "luna16",
    "luna16-2d": "luna16_2d",
}
"""Benchmark to its module: `DOMAINS`, `SYNTAX`, `pair(names)`, `open_domain(name)`.

`pair` gives source and target, or the one domain of a supervised task and ''. `DOMAINS` has '' for
a domain that needs no name. A module with `ANY_SIDE`, whose images have no size of their own, takes
`open_domain(name, side)`.
"""


def parse(name: str) -> tuple[str, str, str, int]:
    """Benchmark, source, target and K of `BENCHMARK:SOURCE-TARGET[+Kshot]`.

    The target of a supervised task, `BENCHMARK:DOMAIN[+Klabel]`, is ''; K is 0 where it is not
    said. Raises ValueError, naming what is known, for an unknown benchmark or domain.
    """
    few = re.fullmatch(r"(.*)\+(\d+)(shot|label)", name)
    benchmark, _, domains = (few[1] if few else name).partition(":")
    if benchmark not in BENCHMARKS:
        raise ValueError(f"unknown benchmark {benchmark!r} in {name!r}, known: {known()}")
    own = module(benchmark)
    if not domains and "" not in own.DOMAINS:
        among = f" of {', '.join(own.DOMAINS)}" if own.DOMAINS else ""
        raise ValueError(f"no domains in task {name!r}, known: {written(benchmark)}{among}")
    source, target = own.pair(domains)
    if few is None:
        return benchmark, source, target, 0
    _, k, word = few.groups()
    if not int(k):
        raise ValueError(f"no {word}s in {name!r}: say +1{word} or more, or leave it out")
    if (word == "shot") != bool(target):
        raise ValueError(
            f"+{k}{word} in {name!r}, known: +{k}shot of two domains, +{k}label of one"
        )
    return benchmark, source, target, int(k)


def known() -> str:
    """How tasks are written, a benchmark each."""
    every = ", ".join(map(written, BENCHMARKS))
    return f"{every}; one domain alone, as in emoji:noto+5label, is trained on its labels"


def written(benchmark: str) -> str:
    """How the tasks of a benchmark are written."""
    syntax = module(benchmark).SYNTAX
    return f"{benchmark}{'' if syntax[0] == '[' else ':'}{syntax}"


def split_pair(pair: str, names: tuple[str, ...]) -> tuple[str, str]:
    """SOURCE and TARGET, both among `names`, or one of them and ''; ValueError otherwise."""
    if pair in names:
        return pair, ""
    source, _, target = pair.partition("-")
    for name in (source, target):
        if name not in names:
            raise ValueError(f"unknown domain {name!r} in {pair!r}, known: {', '.join(names)}")
    return source, target


def open_pair(name: str, side: int = 0) -> tuple[Domain, Domain]:
    """Source and target domain of a task; fetched and decoded first where they are not yet.

    Both are the same where it has one. Images of any size are decoded for network input of `side`
    pixels, 0 for the usual.
    """
    benchmark, source, target, _ = parse(name)
    own = module(benchmark)
    sized = {"side": side} if side and getattr(own, "ANY_SIDE", False) else {}
    names = (source, target) if target else (source,)
    domains = [own.open_domain(domain, **sized) for domain in names]
    a, b = domains[0].classes, domains[-1].classes
    if a != b:
        raise ValueError(
            f"{name}: only {source} has {sorted(set(a) - set(b))}, "
            f"only {target} has {sorted(set(b) - set(a))}"
        )
    return domains[0], domains[-1]


def build(name: str, source: Domain, target: Domain) -> Task:
    """The task `name` from its two domains.

    Where both are the same domain, it is tested on images whose classes it was not trained with.
    Shots are never tested on. A supervised task has the rows that `splits.supervised` gives.
    """
    _, source_name, target_name, k = parse(name)
    if not target_name:
        return _supervised(name, source, target, k)
    shots = _shots(name, target, k)
    test = target.rows["source_test" if source_name == target_name else "target_test"]
    return Task(
        name,
        source.classes,
        source.part(source.rows["source_train"]),
        target.unlabeled(target.rows["target_train"]),
        source.part(source.rows["source_test"]),
        target.part(test[torch.isin(test, shots, invert=True)]),
        target.part(shots) if k else None,
    )


def task(name: str) -> Task:
    """Look up a task by name, for example `emoji:noto-twemoji` or `digits:mnist-mnistm+3shot`."""
    return build(name, *open_pair(name))


def _supervised(name: str, source: Domain, target: Domain, k: int) -> Task:
    """A task of one domain, which may have been looked at in two ways."""
    train, validation, test = splits.supervised(source.rows, source.y)
    return Task(
        name,
        source.classes,
        source.part(_labelled(name, source, train, k) if k else train),
        target.unlabeled(train),
        source.part(validation),
        target.part(test),
    )


def _shots(name: str, target: Domain, k: int) -> Int[Tensor, "_"]:
    """Rows of the first `k` target training images of each class."""
    rows = target.rows["target_train"]
    each = [rows[target.y[rows] == c][:k] for c in range(len(target.classes))]
    for label, mine in zip(target.classes, each, strict=True):
        if len(mine) < k:
            raise ValueError(f"{name}: {label} has only {len(mine)} target training images")
    return torch.cat(each)


def _labelled(name: str, domain: Domain, rows: Int[Tensor, "_"], k: int) -> Int[Tensor, "_"]:
    """Of training rows the first `k` of each class; all of a class that has fewer."""
    each = [rows[domain.y[rows] == c][:k] for c in range(len(domain.classes))]
    if (most := max(map(len, each))) < k:
        raise ValueError(f"{name}: no class has {k} training images, known: up to +{most}label")
    return torch.cat(each)


def module(benchmark: str) -> Any:
    """The module of a benchmark, by its name."""
    return import_module(f"da.data.datasets.{BENCHMARKS[benchmark]}")
