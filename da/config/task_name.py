"""Parse and print names of tasks, such as emoji:noto-twemoji+3shot."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePath
from urllib.parse import parse_qsl

from da.config.registry import DATASETS

NAME = re.compile(
    r"([^:]*?)(?::(.*?))?(?:\+(\d+)(shot|label)|\+(unlabelled)|\+(partial)(\d*))?", re.DOTALL
)
"""Benchmark, domains, and the end: labels that a task adds or hides, or its classes."""


@dataclass(frozen=True)
class TaskName:
    """The name of a task: `BENCHMARK:SOURCE-TARGET[+END]` or `BENCHMARK:DOMAIN[+Klabel]`.

    END is Kshot, or `unlabelled` where labels of the target are not looked at, even for tests, or
    `partialN` where the target has only the first N of the source's classes.

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
    """"shot", "label", "unlabelled", "partial" or empty."""
    shared: int | None = None
    """N of `+partialN`; None for `+partial` alone, and for other ends."""

    @classmethod
    @lru_cache(maxsize=4096)
    def parse(cls, text: str) -> "TaskName":
        """Read a task's name; any text is one."""
        found = NAME.fullmatch(text)
        assert found
        benchmark, domains, few, kind, hidden, partial, shared = found.groups("")
        source, target = _split(domains, whole=has_one_domain(benchmark))
        k, n = (int(count) if count else None for count in (few, shared))
        return cls(benchmark, domains, source, target, k, kind or hidden or partial, n)

    def __str__(self) -> str:
        colon = ":" if self.domains else ""
        return f"{self.benchmark}{colon}{self.domains}{self.end}"

    @property
    def end(self) -> str:
        """`+Kshot`, `+Klabel`, `+unlabelled`, `+partialN` or nothing."""
        few, shared = ("" if count is None else count for count in (self.few, self.shared))
        return f"+{few}{self.kind}{shared}" if self.kind else ""

    @property
    def hides_labels(self) -> bool:
        """Whether labels that the target may have are not looked at."""
        return self.kind == "unlabelled"

    @property
    def is_partial(self) -> bool:
        """Whether the target has only some of the source's classes."""
        return self.kind == "partial"

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


def has_one_domain(benchmark: str) -> bool:
    """Return whether all tasks of a benchmark have one domain, even if its path has a dash."""
    return benchmark in DATASETS and bool(DATASETS.constants(benchmark).get("ONE_DOMAIN"))


def split_pair(pair: str, names: tuple[str, ...]) -> tuple[str, str]:
    """Split `SOURCE-TARGET` into two domains out of `names`; one alone has an empty target.

    Raises:
        ValueError: A domain is not in `names`; the message lists them.
    """
    if pair in names:
        return pair, ""
    source, _, target = pair.partition("-")
    for name in (source, target):
        if name not in names:
            raise ValueError(f"unknown domain {name!r} in {pair!r}, known: {', '.join(names)}")
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
