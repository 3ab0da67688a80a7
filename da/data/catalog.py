"""Lists of the benchmarks and tasks that exist, and which benchmarks are on this machine."""

from collections.abc import Iterable, Iterator
from itertools import permutations

from da.data.datasets import BENCHMARKS, dataset_module
from da.data.tasks import task_syntax
from da.system.cache import cache_home


def list_tasks() -> list[str]:
    """List every benchmark's tasks of two domains and of one, or how its tasks are written."""
    tasks = []
    for name in BENCHMARKS:
        domains = [domain for domain in dataset_module(name).DOMAINS if domain]
        names = ["-".join(pair) for pair in permutations(domains, 2)] + domains
        tasks += [f"{name}:{each}" for each in names] or [task_syntax(name)]
    return tasks


def prepare_benchmarks(names: Iterable[str]) -> Iterator[str]:
    """Fetch and decode whole benchmarks, and give a line on each domain.

    Raises:
        ValueError: If a name is unknown, or is a benchmark that cannot be fetched.
    """
    for name in names:
        if name not in BENCHMARKS or not dataset_module(name).DOMAINS:
            known = ", ".join(n for n in BENCHMARKS if dataset_module(n).DOMAINS)
            raise ValueError(f"unknown benchmark {name!r}, known: {known}")
        for domain in dataset_module(name).DOMAINS:
            d = dataset_module(name).open_domain(domain)
            size = " x ".join(map(str, d.x.shape[1:]))
            task = f"{name}:{domain}".rstrip(":")
            yield f"{task:16} {len(d.x)} images, {size}, {len(d.classes)} classes"


def describe_benchmarks() -> Iterator[str]:
    """Describe each benchmark in a line: what it is, and whether it is on this machine."""
    for name in BENCHMARKS:
        own = dataset_module(name)
        about = f"{name:13} {own.__doc__.partition(chr(10))[0]}"
        if not own.DOMAINS:
            yield f"{about} Tasks: {task_syntax(name)}"
            continue
        size = sum(f.stat().st_size for f in (cache_home() / name).rglob("*") if f.is_file())
        here = (
            f"{size / 1e6:.0f} MB in {cache_home() / name}" if size else f"not here: da data {name}"
        )
        domains = ", ".join(own.DOMAINS)
        names = f"Domains: {domains}" if domains else f"Tasks: {task_syntax(name)}"
        yield f"{about} {names}; {here}"
