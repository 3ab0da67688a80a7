"""Lists of the benchmarks and tasks that exist, and which benchmarks are on this machine."""

from collections.abc import Iterable, Iterator
from itertools import permutations

from da.config.registry import DATASETS
from da.config.validation import likely_names
from da.data.datasets import list_domains, task_syntax
from da.system.cache import cache_home

FEW = 4
"""Most tasks that stand one by one in a list of all benchmarks."""


def list_tasks(benchmark: str) -> list[str]:
    """List a benchmark's tasks: its `TASKS`, or those of two domains and of one, or their form."""
    if own := DATASETS.constants(benchmark).get("TASKS"):
        return [f"{benchmark}:{name}" for name in own]
    domains = [domain for domain in list_domains(benchmark) if domain]
    names = ["-".join(pair) for pair in permutations(domains, 2)] + domains
    return [f"{benchmark}:{name}" for name in names] or [task_syntax(benchmark)]


def describe_tasks(benchmark: str) -> str:
    """Describe a benchmark's tasks in a line: all where they are few, or one and its domains."""
    tasks = list_tasks(benchmark)
    if len(tasks) <= FEW:
        return "  ".join(tasks)
    domains = ", ".join(domain for domain in list_domains(benchmark) if domain)
    return f"{tasks[0]}  and others of {domains}"


def prepare_benchmarks(names: Iterable[str]) -> Iterator[str]:
    """Fetch and decode whole benchmarks, and give a line on each domain.

    Raises:
        ValueError: If a name is unknown, or is a benchmark that cannot be fetched.
    """
    for name in names:
        if name not in DATASETS or not _can_be_prepared(name):
            known = ", ".join(likely_names(name, filter(_can_be_prepared, DATASETS)))
            raise ValueError(f"unknown benchmark {name!r}, known: {known}")
        yield from getattr(DATASETS[name], "fetch", tuple)()
        if not list_domains(name):
            yield f"{name}: nothing more to fetch; tasks are written {task_syntax(name)}"
        for domain in list_domains(name):
            d = DATASETS[name].open_domain(domain)
            size = " x ".join(map(str, d.x.shape[1:]))
            task = f"{name}:{domain}".rstrip(":")
            yield f"{task:16} {len(d.x)} images, {size}, {len(d.classes)} classes"


def _can_be_prepared(benchmark: str) -> bool:
    return bool(list_domains(benchmark)) or hasattr(DATASETS[benchmark], "fetch")


def describe_benchmarks() -> Iterator[str]:
    """Describe each benchmark in a line: what it is, and whether it is on this machine."""
    wide = max(map(len, DATASETS))
    for name in DATASETS:
        domains = list_domains(name)
        about = f"{name:{wide}} {DATASETS.constants(name)['__doc__'].partition(chr(10))[0]}"
        if not domains:
            yield f"{about} Tasks: {task_syntax(name)}"
            continue
        size = sum(f.stat().st_size for f in (cache_home() / name).rglob("*") if f.is_file())
        absent = f"not here: da data {name}" if DATASETS.find(name).own else "nothing is stored"
        here = f"{size / 1e6:.0f} MB in {cache_home() / name}" if size else absent
        listed = ", ".join(domains)
        names = f"Domains: {listed}" if listed else f"Tasks: {task_syntax(name)}"
        yield f"{about} {names}; {here}"
