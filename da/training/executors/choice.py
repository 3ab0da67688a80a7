"""Find where runs are carried out, by the name that the user gives."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Event

from da.training.attempts import Executor
from da.training.executors import ray_cluster, slurm
from da.training.executors.local import Local
from da.training.executors.resources import KNOWN, parse_resources


def check_executor(on: str, resources: Sequence[str] = ()) -> None:
    """Check that an executor can be used, before anything is done.

    Args:
        on: Its name: local, slurm, ray or ray:ADDRESS.
        resources: What each training gets, as NAME=VALUE.

    Raises:
        ValueError: There is no such executor or resource, or what it needs is not installed.
    """
    kind, _ = _split(on)
    parse_resources(kind, resources)
    if kind == "slurm":
        slurm.check()
    if kind == "ray":
        ray_cluster.check()


def open_executor(
    on: str, resources: Sequence[str], folder: Path, limit: int, stop: Event | None = None
) -> AbstractContextManager[Executor]:
    """Return an executor as a context, which is left when no more is carried out.

    Args:
        on: Its name: local, slurm, ray or ray:ADDRESS.
        resources: What each training gets on a cluster, as NAME=VALUE.
        folder: Folder of the records.
        limit: Largest number of groups at once; 0 for no limit, on a cluster.
        stop: Event at which threads that wait for a cluster end what they have there.

    Raises:
        ValueError: There is no such executor or resource, or the cluster is not there.
    """
    check_executor(on, resources)
    kind, address = _split(on)
    each = parse_resources(kind, resources)
    if kind == "slurm":
        return nullcontext(slurm.Slurm(folder, each, limit, stop=stop or Event()))
    if kind == "ray":
        return ray_cluster.open_ray(address, each, limit, stop)
    return nullcontext(Local(limit))


def _split(on: str) -> tuple[str, str]:
    kind, colon, address = on.partition(":")
    if kind not in KNOWN or (colon and (kind != "ray" or not address)):
        raise ValueError(f"unknown executor {on!r}, known: {', '.join(KNOWN)}, ray:ADDRESS")
    return kind, address
