"""Tasks by their names: which domains they adapt, and with which labels."""

from collections.abc import Iterable
from functools import partial
from itertools import chain
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from da.config.registry import DATASETS
from da.config.task_name import TaskName
from da.config.validation import shorten_names
from da.data import splits
from da.data.datasets import list_domains, split_domains, task_syntax
from da.data.decode import BadImagesError
from da.data.domain import PARTS, Domain, Task
from da.system.cache import NotMadeError, without_making


def parse_task(text: str) -> TaskName:
    """Read a task's name and check it against the data sets that are known here.

    Raises:
        ValueError: If the benchmark or a domain is unknown, or the task cannot buy such labels; the
            message lists what is known.
    """
    name = TaskName.parse(text)
    if name.benchmark not in DATASETS:
        known = describe_syntax()
        if "/" in name.benchmark:
            raise ValueError(f"no benchmark in {text!r}: folders of yours are folder:{text}")
        raise ValueError(f"unknown benchmark {name.benchmark!r} in {text!r}, known: {known}")
    domains = list_domains(name.benchmark)
    if not name.domains and "" not in domains:
        among = f" of {', '.join(domains)}" if domains else ""
        known = task_syntax(name.benchmark)
        raise ValueError(f"no domains in task {text!r}, known: {known}{among}")
    name = name.with_pair(partial(split_domains, name.benchmark))
    if name.few == 0:
        raise ValueError(f"no {name.kind}s in {text!r}: say +1{name.kind} or more, or leave it out")
    if name.kind and (name.kind == "shot") != bool(name.target):
        k = name.few
        raise ValueError(
            f"{name.end} in {text!r}, known: +{k}shot of two domains, +{k}label of one"
        )
    return name


def describe_syntax() -> str:
    """Explain how the tasks of every benchmark are written."""
    every = ", ".join(map(task_syntax, DATASETS))
    return f"{every}; one domain alone, as in emoji:noto+5label, is trained on its labels"


def open_domains(name: str, side: int = 0, skip_bad: bool = False) -> tuple[Domain, Domain]:
    """Open the source and target domain of a task, which are fetched and decoded if necessary.

    Both are the same where the task has one domain.

    Args:
        name: The task's name.
        side: Width of network input, in pixels, for which images of any size are decoded; 0 for
            the usual size.
        skip_bad: Whether to leave out the user's images that cannot be decoded.

    Raises:
        ValueError: If the two domains do not have the same classes, the source lacks images to
            hold out, or images of either cannot be decoded.
    """
    parsed = parse_task(name)
    own = DATASETS[parsed.benchmark]
    options: dict[str, Any] = {"side": side} if side and getattr(own, "ANY_SIDE", False) else {}
    if skip_bad:
        if not getattr(own, "SKIPS_BAD", False):
            raise ValueError(f"skip_bad is for images of your own, not for {parsed.benchmark}")
        options["skip_bad"] = True
    source, target = parsed.pair
    names = (source, target) if target else (source,)
    if (names_of := getattr(own, "class_names", None)) and len({*map(names_of, names)}) > 1:
        _require_same(name, {each: names_of(each, check=True) for each in names})
    domains = _open_all(own, names, options)
    _require_same(name, {each: d.classes for each, d in zip(names, domains, strict=True)})
    if target and not len(domains[0].rows["source_test"]):
        raise ValueError(
            f"{source} has no class with two images: none of the source can be held out"
        )
    return domains[0], domains[-1]


def _require_same(task: str, classes: dict[str, tuple[str, ...]]) -> None:
    """Refuse domains whose classes differ, and name these."""
    every = {*chain.from_iterable(classes.values())}
    shared = every.intersection(*classes.values())
    said = [f"only {here} has {shorten_names(more)}" for here, own in classes.items()
            if (more := {*own} - shared)]  # fmt: skip
    if said:
        raise ValueError(f"{task}: both domains need the same classes, but {', '.join(said)}")


def _open_all(own: Any, names: Iterable[str], options: dict[str, Any]) -> list[Domain]:
    """Open domains; where images of one cannot be decoded, look at those of the next ones too."""
    domains: list[Domain] = []
    bad: list[str] = []
    for name in names:
        try:
            if bad:
                own.check_images(name)
            else:
                domains.append(_checked(own, name, own.open_domain(name, **options)))
        except BadImagesError as error:
            bad += error.lists
    if bad:
        raise BadImagesError(*dict.fromkeys(bad))
    return domains


def _checked(own: Any, name: str, domain: Any) -> Any:
    """Return what a data set opened, after checks if it is the user's.

    Raises:
        ValueError: It is no domain, or its parts do not fit together.
    """
    where = f"{own.__file__}: open_domain({name!r})"
    if DATASETS.find(own.__name__.rpartition(".")[2]).own:
        return domain
    if not isinstance(domain, Domain):
        raise ValueError(f"{where} gives {type(domain).__name__}, known: Domain")
    x, y, count = domain.x, domain.y, len(domain.x)
    if not isinstance(x, Tensor) or (x.dtype, x.ndim) not in ((torch.uint8, 4), (torch.float32, 2)):
        raise ValueError(f"{where} has another x than bytes b h w c, or float32 features b d")
    if x.ndim == 4 and x.shape[3] not in (1, 3):
        raise ValueError(f"{where} has x of shape {tuple(x.shape)}, known: b h w c with 3 colors")
    if not _are_below(y, len(domain.classes)) or len(y) != count:
        raise ValueError(f"{where} has another y than the place in classes of each row of x, int64")
    if {*domain.rows} != {*PARTS} or not all(_are_below(r, count) for r in domain.rows.values()):
        raise ValueError(f"{where} has other rows than of x, int64, for {', '.join(PARTS)}")
    if not isinstance(domain.digest, str):
        raise ValueError(f"{where} has digest {domain.digest!r}, known: a text, as SHA-256 of x")
    return domain


def _are_below(numbers: Any, limit: int) -> bool:
    if not isinstance(numbers, Tensor) or numbers.dtype != torch.int64 or numbers.ndim != 1:
        return False
    return not len(numbers) or 0 <= int(numbers.min()) <= int(numbers.max()) < limit


def digest_domains(name: str, source: Domain, target: Domain) -> dict[str, str]:
    """Return a digest of the data of each domain of a task: `source`, and `target` if it has one.

    Args:
        name: The task's name.
        source: Its source domain, or the one domain of a supervised task.
        target: Its target domain; the same for a supervised task.
    """
    digests = {"source": source.data_digest, "target": target.data_digest}
    return digests if parse_task(name).target else {"source": digests["source"]}


def current_digests(task: str, side: int = 0, skip_bad: bool = False) -> dict[str, str] | None:
    """Return `digest_domains` of a task's data as it is now, without decoding or fetching any.

    Args:
        task: The task's name.
        side: Pixels a side of network input, as for `open_domains`.
        skip_bad: Whether images that cannot be decoded are left out.

    Returns:
        The digests, or None where they are not known: images are not decoded in their present
        state, or are not there.
    """
    try:
        with without_making():
            return digest_domains(task, *open_domains(task, side, skip_bad))
    except (NotMadeError, ValueError, OSError):
        return None


def build_task(name: str, source: Domain, target: Domain) -> Task:
    """Build the task `name` from its two domains.

    Where both are the same domain, however it is written, it is tested on images that it was not
    trained on with labels. Shots are never tested on. A supervised task has the rows that
    `splits.split_supervised` gives.

    Args:
        name: The task's name.
        source: Its source domain, or the one domain of a supervised task.
        target: Its target domain; the same for a supervised task.
    """
    parsed = parse_task(name)
    k = parsed.few or 0
    if not parsed.target:
        return _supervised(name, source, target, k)
    shots = _shots(name, target, k)
    same = parsed.source == parsed.target or are_same(source, target)
    test = target.rows["source_test" if same else "target_test"]
    test = test[torch.isin(test, shots, invert=True)]
    if not len(test):
        raise ValueError(f"{name}: no target image is left for tests")
    return Task(
        name,
        source.classes,
        source.part(source.rows["source_train"]),
        target.images(target.rows["target_train"]),
        source.part(source.rows["source_test"]),
        target.part(test),
        target.part(shots) if k else None,
    )


def are_same(source: Domain, target: Domain) -> bool:
    """Return whether two domains have the same images, classes, labels and roles."""
    return source.digest == target.digest and source.data_digest == target.data_digest


def load_task(name: str) -> Task:
    """Load a task by its name, for example `emoji:noto-twemoji` or `digits:mnist-mnistm+3shot`."""
    return build_task(name, *open_domains(name))


def _supervised(name: str, source: Domain, target: Domain, k: int) -> Task:
    """Build a task of one domain, whose images may come in two versions, as source and target."""
    train, validation, test = splits.split_supervised(source.rows, source.y)
    return Task(
        name,
        source.classes,
        source.part(_labeled(name, source, train, k) if k else train),
        target.images(train),
        source.part(validation),
        target.part(test),
    )


def _shots(name: str, target: Domain, k: int) -> Int[Tensor, "_"]:
    """Return the rows of the first `k` target training images of each class."""
    rows = target.rows["target_train"]
    each = [rows[target.y[rows] == c][:k] for c in range(len(target.classes))]
    for label, mine in zip(target.classes, each, strict=True):
        if len(mine) < k:
            raise ValueError(f"{name}: {label} has only {len(mine)} target training images")
    return torch.cat(each)


def _labeled(name: str, domain: Domain, rows: Int[Tensor, "_"], k: int) -> Int[Tensor, "_"]:
    """Return the first `k` training rows of each class; all rows of a class that has fewer."""
    each = [rows[domain.y[rows] == c][:k] for c in range(len(domain.classes))]
    if (most := max(map(len, each))) < k:
        raise ValueError(f"{name}: no class has {k} training images, known: up to +{most}label")
    return torch.cat(each)
