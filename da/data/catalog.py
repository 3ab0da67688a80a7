"""Which benchmarks and tasks there are, and which of them are on this machine."""

from collections.abc import Iterable, Iterator
from itertools import permutations

from da.data.datasets import BENCHMARKS, module
from da.data.tasks import written
from da.system.cache import home


def every_task() -> list[str]:
    """All tasks of two domains and of one in each benchmark, or how its tasks are written."""
    tasks = []
    for name in BENCHMARKS:
        domains = [domain for domain in module(name).DOMAINS if domain]
        names = ["-".join(pair) for pair in permutations(domains, 2)] + domains
        tasks += [f"{name}:{each}" for each in names] or [written(name)]
    return tasks


def prepare(names: Iterable[str]) -> Iterator[str]:
    """Fetch and decode whole benchmarks, with a line on each domain."""
    for name in names:
        if name not in BENCHMARKS or not module(name).DOMAINS:
            known = ", ".join(n for n in BENCHMARKS if module(n).DOMAINS)
            raise ValueError(f"unknown benchmark {name!r}, known: {known}")
        for domain in module(name).DOMAINS:
            d = module(name).open_domain(domain)
            size = " x ".join(map(str, d.x.shape[1:]))
            task = f"{name}:{domain}".rstrip(":")
            yield f"{task:16} {len(d.x)} images, {size}, {len(d.classes)} classes"


def state() -> Iterator[str]:
    """A line on each benchmark: what it is, and whether it is here."""
    for name in BENCHMARKS:
        own = module(name)
        about = f"{name:13} {own.__doc__.partition(chr(10))[0]}"
        if not own.DOMAINS:
            yield f"{about} Tasks: {written(name)}"
            continue
        size = sum(f.stat().st_size for f in (home() / name).rglob("*") if f.is_file())
        here = f"{size / 1e6:.0f} MB in {home() / name}" if size else f"not here: da data {name}"
        domains = ", ".join(own.DOMAINS)
        yield f"{about} {f'Domains: {domains}' if domains else f'Tasks: {written(name)}'}; {here}"
