"""A Ray cluster: how it is reached, and what it has room for. No other module imports ray."""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from da.system.extras import extra, require
from da.system.one_line import one_line
from da.training.executors.payload import read_beginning
from da.training.executors.resources import USUAL, Amounts

SILENT = "RAY_DEDUP_LOGS_SKIP_REGEX", "."
"""Variable that keeps long reports of nodes that are gone out of the output; we say it."""


def check() -> None:
    """Check that the library is installed.

    Raises:
        ValueError: It is not.
    """
    os.environ.setdefault(*SILENT)
    require("ray", "--on ray", "ray")


@contextmanager
def connect(address: str) -> Iterator[Any]:
    """Connect to a cluster for the time of a `with` block, and give the library.

    Args:
        address: Address of its head; empty for RAY_ADDRESS, or the cluster of this machine.

    Raises:
        ValueError: There is no such cluster, or the token of the user for it is missing.
    """
    with extra("ray", "--on ray"):
        import ray

    no_token = getattr(ray.exceptions, "AuthenticationError", ConnectionError)  # not in old Ray
    refused = ConnectionError, ValueError, no_token

    try:
        ray.init(address or "auto", log_to_driver=False, logging_level=logging.ERROR)
    except refused as error:
        where = f"at {address}" if address else "here: `ray start --head` starts one"
        raise ValueError(f"no Ray cluster {where} ({one_line(error)})") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def find_node() -> str:
    """Return the id of the node on which this task runs."""
    with extra("ray", "--on ray"):
        import ray

    return str(ray.get_runtime_context().get_node_id())


class Share:
    """What each task or actor gets of a cluster.

    Args:
        ray: The library, connected.
        amounts: What each gets; what is not named is `USUAL`.
    """

    def __init__(self, ray: Any, amounts: Amounts):
        self._ray = ray
        every = {**USUAL, **amounts}
        self.threads = max(1, int(every["cpus"]))
        self._each = {
            "CPU": every["cpus"],
            "GPU": every["gpus"],
            "memory": every["memory"] * 2**30,
        }

    @property
    def options(self) -> dict[str, Any]:
        """The same, as options of a task or actor."""
        return {
            "num_cpus": self._each["CPU"],
            "num_gpus": self._each["GPU"],
            "memory": int(self._each["memory"]) or None,
        }

    def count(self, limit: int = 0) -> int:
        """Return for how many there is room, or 1; at most `limit`, which is 0 for none."""
        has = self._ray.cluster_resources()
        room = [int(has.get(name, 0) / amount) for name, amount in self._each.items() if amount]
        return min([*room, limit or sys.maxsize]) or 1

    def list_nodes(self) -> set[str]:
        """Return the ids of the nodes that have room for one, if they do nothing else."""
        return {node["NodeID"] for node in self._ray.nodes() if self._fits(node)}

    def _fits(self, node: Mapping[str, Any]) -> bool:
        has = node["Resources"] if node["Alive"] else {}
        return all(has.get(name, 0) >= amount for name, amount in self._each.items())

    def warn_without_room(self) -> None:
        """Say on stderr that there is no room now, if that is so."""
        if not self.list_nodes():
            print(
                "da: no node of the Ray cluster has room for a run now; runs wait for one",
                file=sys.stderr,
            )


class SentWeights:
    """Weights in the memory of a cluster, each sent once.

    Args:
        ray: The library, connected.
    """

    def __init__(self, ray: Any):
        self._ray = ray
        self._sent: dict[tuple[str, int], Any] = {}

    def send(self, files: Mapping[str, Path], folder: Path) -> list[Any]:
        """Return a reference to the `Beginning` of each file.

        Args:
            files: Files of weights by their names; see `find_weights`.
            folder: Folder of the records.
        """
        keys = [(name, file.stat().st_mtime_ns) for name, file in files.items()]
        for key, file in zip(keys, files.values(), strict=True):
            if key not in self._sent:
                self._sent[key] = self._ray.put(read_beginning(key[0], file, folder))
        return [self._sent[key] for key in keys]


def explain(error: Exception) -> str:
    """Return why a task or actor ended.

    Raises:
        ValueError: A node is not fit for the work, which the user has to change.
    """
    cause = getattr(error, "cause", None)
    if isinstance(cause, ValueError):
        raise ValueError(str(cause)) from error
    return f"{type(cause or error).__name__}: {one_line(cause or error)}"
