"""Look up numbers printed in papers for comparison with ours. Does not import torch."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath

from da.config.task_name import TaskName, short_domain
from da.config.validation import plain_name

FILES = (
    "amazon_reviews",
    "cifar10_transfer",
    "digits",
    "domainnet",
    "office31",
    "officehome",
    "visda2017",
)
"""Benchmarks with a CSV file next to this module; README.md there explains the columns."""


@dataclass(frozen=True)
class Row:
    """A printed number, and where it was printed."""

    benchmark: str
    source: str
    target: str
    method: str
    backbone: str
    metric: str
    value: float
    """Printed number, a percentage if `metric` says accuracy."""
    std: float | None
    paper: str
    year: int | None
    where: str
    seen: bool
    """Whether the number was read in the source itself, not taken from hearsay."""


@dataclass(frozen=True)
class Reference:
    """A printed number that a method is compared with on a task."""

    value: float
    std: float | None
    paper: str
    backbone: str
    where: str
    """Table and source, and what to know for a comparison."""
    differs: str
    """How our task differs from the printed one; empty if they are the same."""

    @property
    def alike(self) -> bool:
        """Whether the printed task is only similar to ours, not the same."""
        return bool(self.differs)


@dataclass(frozen=True)
class Printed:
    """A printed table from which references are taken."""

    paper: str
    backbone: str = ""
    """Backbone of the rows to use; empty if the table has one row per method."""
    metric: str = "accuracy"
    remark: str = ""


BEST_EPOCH = "best epoch by target test accuracy"
_TLLIB = "Transfer-Learning-Library (Jiang et al.)"
_DEEPDA = "DeepDA toolkit (Wang & Hou)"
TABLES = {
    "amazon_reviews": (
        Printed(
            "DANN (Ganin et al., JMLR 2016)",
            "1 hidden layer, 5000-d unigrams and bigrams",
            remark="settings chosen by reverse validation",
        ),
    ),
    "digits": (
        Printed(
            "DANN (Ganin et al., JMLR 2016)",
            remark="last layer a linear SVM, SA's dimension chosen by target test accuracy",
        ),
        Printed("DSN (Bousmalis et al., NIPS 2016)"),
        Printed("iDANN (Gallego et al. 2020)"),
    ),
    "office31": (
        Printed(_TLLIB, "ResNet-50", remark=BEST_EPOCH),
        Printed(_DEEPDA, "ResNet-50", remark=BEST_EPOCH),
        Printed("Deep CORAL (Sun & Saenko, ECCV Workshops 2016)"),
    ),
    "officehome": (
        Printed(_TLLIB, "ResNet-50", remark=BEST_EPOCH),
        Printed(_DEEPDA, "ResNet-50", remark=BEST_EPOCH),
    ),
    "visda2017": (Printed(_TLLIB, "ResNet-101", "overall accuracy", BEST_EPOCH),),
    "domainnet": (
        Printed(_TLLIB, "ResNet-101", remark="best epoch by accuracy on target training images"),
        Printed("CDTrans (Xu et al., ICLR 2022)", "DeiT-B"),
    ),
}
"""Printed tables by benchmark; the first one with the method on the task gives the reference.

For digits, the first is the paper that brought method and benchmark together. For folders, it is
the library that ran most methods under one protocol with one backbone. The others fill its gaps.
"""

METHODS = {
    "source_only": "source-only",
    "dann": "DANN",
    "cdan": "CDAN+E",
    "mcd": "MCD",
    "adda": "ADDA",
    "mdd": "MDD",
    "coral": "Deep CORAL",
    "dan": "DAN",
    "jan": "JAN",
    "dsan": "DSAN",
    "afn": "AFN",
    "bsp": "BSP",
    "mcc": "MCC",
    "entropy_min": "MinEnt",
    "bnm": "BNM",
    "atdoc": "ATDOC-NA",
    "mean_teacher": "Mean teacher (MT+CT+TF)",
    "fixmatch": "FixMatch",
    "deepjdot": "DeepJDOT",
    "sdat": "CDAN+MCC w/ SDAT",
    "coral_map": "CORAL",
    "subspace_alignment": "SA (subspace alignment)",
    "tca": "TCA",
    "gfk": "GFK",
    "target_only": "train-on-target",
}
"""Printed names of our methods; `fine_tune` with a few shots has no counterpart."""

DIGITS = {
    "mnist": ("MNIST", ""),
    "mnistm": (
        "MNIST-M",
        "mnistm is Ganin's recipe on other photographs than the published MNIST-M (BSDS500)",
    ),
    "synfont": (
        "SynNumbers",
        "synfont is drawn as SynNumbers is, with other fonts and 20,000 images, not 500,000",
    ),
}
"""Printed name of each of our digits domains, and how ours differs from it.

`optdigits` has no counterpart.
"""

FOLDERS = {
    "office31": "Office-31",
    "officehome": "Office-Home",
    "visda2017": "VisDA",
    "domainnet": "DomainNet",
}
"""Name of each benchmark, by the name of its file; a path may contain it in any spelling."""


@cache
def rows(benchmark_file: str) -> tuple[Row, ...]:
    """Read all printed numbers of a benchmark.

    Raises:
        ValueError: The benchmark has no file; the error names those that have.
    """
    if benchmark_file not in FILES:
        raise ValueError(f"no published numbers {benchmark_file!r}, known: {', '.join(FILES)}")
    with (Path(__file__).parent / f"{benchmark_file}.csv").open(newline="") as file:
        return tuple(_row(line) for line in csv.DictReader(file))


def reference(method: str, task: str) -> Reference | None:
    """Return the printed number for a method on a task, or None if there is none.

    Args:
        method: One of our methods, or `target_only`.
        task: One of our tasks.
    """
    name = TaskName.parse(task)
    match = _counterpart(name.benchmark, *name.pair)
    if method not in METHODS or match is None or name.few or name.kind:
        return None
    file, source, target, differs = match
    sources = {source, target} if method == "target_only" else {source}
    for table in TABLES[file]:
        for row in rows(file):
            same = row.source in sources and row.target == target
            if same and row.method == METHODS[method] and _is_in(row, table):
                where = "; ".join(filter(None, (row.where, table.remark)))
                return Reference(row.value, row.std, row.paper, row.backbone, where, differs)
    return None


def _row(line: dict[str, str]) -> Row:
    text = {k: line[k] for k in ("benchmark", "source", "target", "method", "backbone", "metric")}
    return Row(
        **text,
        value=float(line["value"]),
        std=float(line["std"]) if line["std"] else None,
        paper=line["paper"],
        year=int(line["year"]) if line["year"] else None,
        where=line["where"],
        seen=line["seen"] == "yes",
    )


def _is_in(row: Row, table: Printed) -> bool:
    same = (row.paper, row.metric) == (table.paper, table.metric)
    return row.seen and same and table.backbone in ("", row.backbone)


def _counterpart(benchmark: str, source: str, target: str) -> tuple[str, str, str, str] | None:
    """Return file, printed source, printed target, and how these differ from ours."""
    if benchmark == "digits" and source in DIGITS and target in DIGITS:
        (a, differs_a), (b, differs_b) = DIGITS[source], DIGITS[target]
        return "digits", a, b, "; ".join(dict.fromkeys(filter(None, (differs_a, differs_b))))
    if benchmark == "amazon_reviews":
        return benchmark, source, target, ""
    if benchmark == "folder":
        for file, name in FOLDERS.items():
            known = _spellings(file)
            a, b = (known.get(plain_name(short_domain(name)), "") for name in (source, target))
            if a and b:
                sure = all(_bears(path, name) for path in (source, target))
                guess = f"taken for {name} by its folders' names alone"
                return file, a, b, "" if sure else guess
    return None


@cache
def _spellings(file: str) -> dict[str, str]:
    names = {name for row in rows(file) for name in (row.source, row.target)}
    return {plain_name(name): name for name in names - {"avg"}}


def _bears(path: str, name: str) -> bool:
    return any(plain_name(part).startswith(plain_name(name)) for part in PurePath(path).parts)
