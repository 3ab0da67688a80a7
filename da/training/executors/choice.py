"""Find where runs are carried out, by the name that the user gives."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Event

from da.training.attempts import Executor
from da.training.executors import ray_cluster, ray_connection, ray_features, slurm
from da.training.executors.local import Local
from da.training.executors.resources import AUTO, KNOWN, parse_resources
from da.training.feature_files import Computes, LocalFeatures

FOR_FEATURES = "local", "ray"
"""Kinds of executors that compute features."""


def check_executor(
    on: str, resources: Sequence[str] = (), kinds: Sequence[str] = tuple(KNOWN)
) -> None:
    """Check that an executor can be used, before anything is done.

    Args:
        on: Its name: local, slurm, ray or ray:ADDRESS.
        resources: What each training gets, as NAME=VALUE.
        kinds: Kinds of executors that can do the work.

    Raises:
        ValueError: There is no such executor or resource, or what it needs is not installed.
    """
    kind, _ = _split(on, kinds)
    found = parse_resources(kind, resources)
    if kinds == FOR_FEATURES and AUTO in found.values():
        raise ValueError(f"resource {AUTO} is for runs, known for features: a number")
    if kind == "slurm":
        slurm.check()
    if kind == "ray":
        ray_connection.check()


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


def open_features(
    on: str, resources: Sequence[str], results: Path, device: str
) -> AbstractContextManager[Computes]:
    """Return where features are computed as a context, which is left when no more are.

    Args:
        on: Its name: local, ray or ray:ADDRESS.
        resources: What each network gets on a cluster, as NAME=VALUE.
        results: Folder of the records, with the weights of runs.
        device: Name of the device: auto, cpu, cuda or the like.

    Raises:
        ValueError: There is no such executor or resource, or the cluster is not there.
    """
    check_executor(on, resources, FOR_FEATURES)
    kind, address = _split(on)
    if kind == "ray":
        each = parse_resources(kind, resources)
        return ray_features.open_pool(address, each, results, device)
    return nullcontext(LocalFeatures(results, device))


def _split(on: str, kinds: Sequence[str] = tuple(KNOWN)) -> tuple[str, str]:
    kind, colon, address = on.partition(":")
    if kind not in kinds or (colon and (kind != "ray" or not address)):
        raise ValueError(f"unknown executor {on!r}, known: {', '.join(kinds)}, ray:ADDRESS")
    return kind, address
