"""Parse and print names of tasks, such as emoji:noto-twemoji+open7+3shot."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePath
from urllib.parse import parse_qsl

from da.config import corruption_names
from da.config.registry import DATASETS

CLASSES = r"(?:\+(partial|open|universal)((?:\d+/)*\d+)?(?:@(\w+))?)?"
FREQUENCIES = r"(?:\+(rsut|dirichlet)(\d+(?:\.\d+)?)?)?"
LABELS = r"(?:\+(\d+)(shot|label)|\+(unlabelled))?"
STREAM = r"(\+stream(?::([\w.,]*))?)?"
NAME = re.compile(rf"([^:]*?)(?::(.*?))?{CLASSES}{FREQUENCIES}{LABELS}{STREAM}", re.DOTALL)
"""Benchmark, domains, and the ends: what a task changes, each at most once and in this order."""


ENDS = (
    "+partial, +open or +universal; +rsut[FACTOR] or +dirichletALPHA; "
    "+Kshot, +Klabel or +unlabelled; +stream"
)
"""What a name can end with, in this order."""


@dataclass(frozen=True)
class TaskName:
    """The name of a task: `BENCHMARK:SOURCE-TARGET[END...]` or `BENCHMARK:DOMAIN[+Klabel]`.

    Source and target can be several domains of a benchmark, with commas between them. The ends say
    what the task changes, in this order and each at most once:

    - Classes: `+partial[N]`, `+open[N[/M]]` or `+universal[N/P[/M]]`. N classes are in both
      domains, P in the source alone and M in the target alone. Without numbers, those are chosen
      that the domains have. `@ORDER` at its end names an order of the classes.
    - Frequencies of the classes: `+rsut[FACTOR]`, or `+dirichletALPHA`.
    - Labels: `+Kshot`, `+Klabel`, or `+unlabelled` where labels of the target are not looked at,
      even for tests.
    - `+stream[:OPTION,OPTION...]`: target test images that come one after the other.

    `str` prints it. Paths may have dashes, so some names can be cut in several places. `parse` goes
    by the name alone, since a record may come from a machine with other folders.
    """

    benchmark: str
    domains: str
    """Source and target, or the one domain, as they are written."""
    source: str
    target: str
    """Empty for a task of one domain, which trains on its labels."""
    few: int | None = None
    """K of `+Kshot` or `+Klabel`; None where the name has no such end."""
    kind: str = ""
    """"shot", "label", "unlabelled" or empty."""
    classes: str = ""
    """"partial", "open", "universal" or empty: which classes the domains share."""
    counts: tuple[int, ...] = ()
    """Numbers of classes after that word."""
    order: str = ""
    """ORDER of the classes; empty for the usual one."""
    frequencies: str = ""
    """"rsut", "dirichlet" or empty: how often classes are changed to come."""
    alpha: float | None = None
    """ALPHA of `+dirichletALPHA`, or FACTOR of `+rsutFACTOR`."""
    stream: str | None = None
    """Options of `+stream`; None where the name has no such end."""

    @classmethod
    @lru_cache(maxsize=4096)
    def parse(cls, text: str) -> "TaskName":
        """Read a task's name; any text is one."""
        found = NAME.fullmatch(text)
        assert found
        benchmark, domains, classes, counts, order = found.groups("")[:5]
        frequencies, alpha, few, kind, hidden, stream, options = found.groups("")[5:]
        source, target = _split(domains, whole=has_one_domain(benchmark))
        numbers = tuple(map(int, counts.split("/"))) if counts else ()
        return cls(
            *(benchmark, domains, source, target),
            few=int(few) if few else None,
            kind=kind or hidden,
            classes=classes,
            counts=numbers,
            order=order,
            frequencies=frequencies,
            alpha=float(alpha) if alpha else None,
            stream=options if stream else None,
        )

    def __str__(self) -> str:
        colon = ":" if self.domains else ""
        return f"{self.benchmark}{colon}{self.domains}{self.end}"

    @property
    def end(self) -> str:
        """All ends, as they are written."""
        few = "" if self.few is None else self.few
        labels = f"+{few}{self.kind}" if self.kind else ""
        options = f":{self.stream}" if self.stream else ""
        return f"{self.data_end}{labels}" + ("" if self.stream is None else f"+stream{options}")

    @property
    def data_end(self) -> str:
        """The ends that choose images: classes and their frequencies."""
        counts, order = "/".join(map(str, self.counts)), f"@{self.order}" if self.order else ""
        alpha = "" if self.alpha is None else f"{self.alpha:g}"
        classes = f"+{self.classes}{counts}{order}" if self.classes else ""
        return classes + (f"+{self.frequencies}{alpha}" if self.frequencies else "")

    @property
    def hides_labels(self) -> bool:
        """Whether labels that the target may have are not looked at."""
        return self.kind == "unlabelled"

    @property
    def has_unknown(self) -> bool:
        """Whether the target has images of classes that the source lacks."""
        return self.classes in ("open", "universal")

    @property
    def sources(self) -> tuple[str, ...]:
        """The source's domains, or all that is written of it where commas mean nothing."""
        return self._each(self.source)

    @property
    def targets(self) -> tuple[str, ...]:
        """The target's domains; none for a task of one domain."""
        return self._each(self.target) if self.target else ()

    def _each(self, names: str) -> tuple[str, ...]:
        if not takes_several(self.benchmark):
            return (names,)
        each = names.split(",")
        if DATASETS.constants(self.benchmark).get("CORRUPTED"):
            each = [own for name in each for own in corruption_names.expand(name)]
        return tuple(each)

    @property
    def holds_texts(self) -> bool:
        """Whether both domains are of texts."""
        known = self.benchmark in DATASETS
        return known and bool(DATASETS.constants(self.benchmark).get("TEXTS"))

    @property
    def text_column(self) -> str:
        """The column of the texts; empty for a task without."""
        query = self.source.partition("?")[2].rpartition(":")[0]
        return dict(parse_qsl(query)).get("text", "") if self.holds_texts else ""

    @property
    def labels(self) -> str:
        """The labels that the task adds, as tables say it: "3-shot", "5-label" or nothing."""
        return f"{self.few}-{self.kind}" if self.few else ""

    @property
    def pair(self) -> tuple[str, str]:
        """Source and target; the target of a task of one domain is empty."""
        return self.source, self.target

    def with_pair(self, split: Callable[[str], tuple[str, str]]) -> "TaskName":
        """Return the name with its domains split by a function of how they are written."""
        source, target = split(self.domains)
        return replace(self, source=source, target=target)

    def without_labels(self) -> "TaskName":
        """Return the name of the task without labels that it adds; other ends stay."""
        return replace(self, few=None, kind="") if self.few is not None else self


def takes_several(benchmark: str) -> bool:
    """Return whether a side of a benchmark's tasks can be several of its domains."""
    about = DATASETS.constants(benchmark) if benchmark in DATASETS else {}
    names = about.get("DOMAINS")
    return bool(about.get("SEVERAL")) or (isinstance(names, (list, tuple)) and any(names))


def has_one_domain(benchmark: str) -> bool:
    """Return whether all tasks of a benchmark have one domain, even if its path has a dash."""
    return benchmark in DATASETS and bool(DATASETS.constants(benchmark).get("ONE_DOMAIN"))


def split_pair(pair: str, names: tuple[str, ...]) -> tuple[str, str]:
    """Split `SOURCE-TARGET` into domains out of `names`; one alone has an empty target.

    Each side can be several domains with commas between them.

    Raises:
        ValueError: A domain is not in `names`, or stands twice on one side.
    """
    if pair in names:
        return pair, ""
    source, _, target = pair.partition("-")
    for side in (source, target):
        several = side.split(",")
        for name in several:
            if name not in names:
                known = ", ".join(names) + (f"; ends in their order: {ENDS}" if "+" in pair else "")
                raise ValueError(f"unknown domain {name!r} in {pair!r}, known: {known}")
        if len({*several}) < len(several):
            raise ValueError(f"{side!r} has a domain twice in {pair!r}")
    return source, target


def short_domain(name: str) -> str:
    """Return the name of a domain for the head of a table: the last telling part of a path."""
    if "?" in name:  # a table's domain is a value of a column
        return name.rpartition(":")[2]
    parts = [part for part in PurePath(name).parts if part != "images"]  # as Office-31 unpacks
    return parts[-1] if parts else name


def _split(domains: str, *, whole: bool) -> tuple[str, str]:
    """Cut where it leaves the same folder twice, else two neighbors, else a rooted target.

    Two values of a column of a table, as in FILE?domain=site:A-B, are cut at their first dash.
    """
    table, _, values = domains.rpartition(":")
    if "?" in table and not whole:
        source, dash, target = values.partition("-")
        return f"{table}:{source}", f"{table}:{target}" if dash else ""
    found = [] if whole else re.finditer("[-:]", domains)
    cuts = [(domains[: at.start()], domains[at.end() :]) for at in found]
    return max(cuts, key=_plausible, default=(domains, ""))


def _plausible(cut: tuple[str, str]) -> tuple[bool, bool, bool]:
    source, target = cut
    neighbors = PurePath(source).parent == PurePath(target).parent
    return source == target, neighbors, target.startswith(("/", "~", "."))
