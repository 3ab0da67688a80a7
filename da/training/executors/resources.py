"""What each training gets on a cluster, as the user writes it: `gpus=1 minutes=90`."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AUTO = "auto"
"""Value of a resource that the first run of each kind measures."""


@dataclass(frozen=True)
class Resource:
    """A kind of value that a resource has."""

    parse: Callable[[str], Any]
    known: str
    """Words for the values that there are."""
    is_right: Callable[[Any], bool] = bool


NAME = Resource(str, "a name of your cluster")
COUNT = Resource(int, "whole numbers from 1", lambda n: n >= 1)
GPUS = Resource(int, "whole numbers from 0", lambda n: n >= 0)
AMOUNT = Resource(float, "above 0", lambda x: 0 < x < math.inf)
SHARE = Resource(
    float,
    "a share from 0 to 1, or a whole number",
    lambda x: 0 <= x <= 1 or (x > 1 and x.is_integer()),
)


def _or_measured(kind: Resource) -> Resource:
    return Resource(
        lambda value: value if value == AUTO else kind.parse(value),
        f"{kind.known}, or {AUTO}",
        lambda x: x == AUTO or kind.is_right(x),
    )


Amounts = Mapping[str, float]
"""Resources by name; memory in GB."""

USUAL: Amounts = {"cpus": 1.0, "gpus": 0.0, "memory": 0.0}
"""What each gets on Ray where the user says nothing."""

KNOWN: Mapping[str, Mapping[str, Resource]] = {
    "local": {},
    "slurm": {
        "partition": NAME,
        "account": NAME,
        "qos": NAME,
        "constraint": NAME,
        "cpus": COUNT,
        "gpus": GPUS,
        "memory": AMOUNT,
        "minutes": COUNT,
        "chunk": COUNT,
    },
    "ray": {"cpus": AMOUNT, "gpus": _or_measured(SHARE), "memory": _or_measured(AMOUNT)},
}
"""Resources of each executor. `memory` is in GB; `chunk` is a number of trainings of a job."""


def parse_resources(executor: str, given: Sequence[str]) -> dict[str, Any]:
    """Return resources by name.

    Args:
        executor: Kind of executor: local, slurm or ray.
        given: Resources as NAME=VALUE.

    Raises:
        ValueError: The executor has no such resource, or no such value; or one is given twice.
    """
    known, found = KNOWN[executor], {}
    for each in given:
        name, _, value = each.partition("=")
        if name not in known:
            names = ", ".join(known) or "none, as clusters alone have resources: see --on"
            raise ValueError(f"unknown resource {name!r} of {executor}, known: {names}")
        if name in found:
            raise ValueError(f"resource {name} is given twice: {' '.join(given)}")
        found[name] = _parse(name, value, known[name])
    return found


def _parse(name: str, value: str, kind: Resource) -> Any:
    try:
        if kind.is_right(parsed := kind.parse(value)):
            return parsed
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"unknown {name} {value!r}, known: {kind.known}")
