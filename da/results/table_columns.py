"""Names and groups of a table's columns. Does not import torch."""

from da.config.task_name import TaskName, short_domain
from da.results import aggregate
from da.results.table_render import Group

FEW = 8
"""Largest number of tasks that fit next to each other on a page."""

MANY = 5
"""Largest number of targets of a task that are named one by one."""


def name_benchmarks(tasks: list[str]) -> str:
    """Return the benchmarks of tasks, each once."""
    return ", ".join(dict.fromkeys(TaskName.parse(task).benchmark for task in tasks))


def head_columns(tasks: list[str], targets: bool = False) -> list[str]:
    """Return short names of tasks, or of targets alone; the full names if these are ambiguous."""
    names = [TaskName.parse(task) for task in tasks]
    one = len({name.benchmark for name in names}) == 1
    heads = []
    for name in names:
        pair = [name.target] if targets and name.target else filter(None, name.pair)
        own = "-".join(map(_short_side, pair))
        if len(name.sources) > 2:
            own = f"{len(name.sources)} sources-{short_domain(name.target)}"
        benchmark = "" if one and own else name.benchmark
        heads.append(":".join(filter(None, [benchmark, own])) + name.end)
    return heads if len(set(heads)) == len(tasks) else tasks


def _short_side(side: str) -> str:
    """Return the name of a task's side; of many targets, as all corruptions are, their number."""
    several = side.split(",")
    return f"{len(several)} targets" if len(several) > MANY else short_domain(side)


def list_sources(tasks: list[str]) -> list[tuple[str, list[str]]]:
    """Return each source with its tasks if tasks are many and sources few, otherwise nothing."""
    parts = aggregate.group_by_source(tasks).values()
    if len(tasks) <= FEW or not 1 < len(parts) <= FEW:
        return []
    return [(short_domain(TaskName.parse(part[0]).source), part) for part in parts]


def group_columns(tasks: list[str], heads: tuple[str, ...]) -> tuple[Group, ...]:
    """Return the pieces of a table with many tasks; none for a table with few."""
    if len(tasks) <= FEW:
        return ()
    columns, end = tuple(range(len(heads))), len(tasks)
    if sources := list_sources(tasks):
        groups = [
            Group(
                f"from {source} to", tuple(map(tasks.index, part)), tuple(head_columns(part, True))
            )
            for source, part in sources
        ]
        return (*groups, Group("average from", columns[end:], (*(s for s, _ in sources), "all")))
    cuts = [slice(start, min(start + FEW, end)) for start in range(0, end, FEW)]
    return tuple(Group("method", columns[cut], heads[cut]) for cut in [*cuts, slice(end, None)])
