"""What a run was made from other than its settings, and which records are not what they would be.

This module imports torch only where the data of a record is looked at.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from da.config.registry import DATASETS
from da.config.validation import is_run_id, shorten_names
from da.data.reading import Reading
from da.results import records
from da.results.records import Record
from da.runs.method_code import code_digest, loaded_code_digest
from da.system.cache import cache_home

if TYPE_CHECKING:
    from da.runs.run import Run

CURRENT = "current"
OTHER_CODE, OTHER_DATA, OTHER_BEGINNING = "other code", "other data", "other beginning"
UNKNOWN_DATA = "changed or undecoded data"
"""State of a record whose images have changed, or are not decoded here yet."""

DIGESTS = "code", "source", "target", "test", "init"
"""Keys of `Record.made_from` that are compared, where both sides have them."""


def recorded_run(record: Record) -> "Run":
    """Return the run that a record is of.

    Raises:
        ValueError: The record's settings are those of no run, or of one of another id.
    """
    from da.runs.run import Run

    try:
        run = Run.of(record.settings)
    except ValueError as error:
        raise ValueError(f"record {record.id}: {error}") from error
    if run.id != record.id:
        raise ValueError(
            f"the settings in record {record.id} are those of run {run.id}; remove it and run it "
            "again"
        )
    return run


def find_states(
    found: Iterable[Record], folder: Path, *, decode: bool = False, data: bool = True
) -> dict[str, str]:
    """Return the state of each record, by id: whether it would be the same if it were made now.

    Args:
        found: Records, whose settings are complete.
        folder: Folder of the records, where those of the runs are that they began with.
        decode: Whether to decode a user's images where that is needed to know.
        data: Whether to look at the data at all.
    """
    known = {record.id: record for record in found}
    digests = _Now(decode, data)
    states = {id: _state(record, digests) for id, record in known.items()}
    begun = {id: _beginnings(record.settings) for id, record in known.items()}
    for id, ids in begun.items():
        told = known[id].made_from.get("init")
        now = _beginnings_digest(ids, folder, known) if told else None
        if states[id] == CURRENT and now not in (None, told):
            states[id] = OTHER_BEGINNING
    while late := [id for id, ids in begun.items() if states[id] == CURRENT and _old(states, ids)]:
        states |= dict.fromkeys(late, OTHER_BEGINNING)
    return states


def _old(states: Mapping[str, str], ids: list[str]) -> bool:
    return any(states.get(id, CURRENT) not in (CURRENT, UNKNOWN_DATA) for id in ids)


def find_old(runs: "Iterable[Run]", folder: Path) -> set[str]:
    """Return the ids of the runs whose record is damaged or not current."""
    found, damaged = records.load_sound(folder, {run.id: run.settings() for run in runs})
    states = find_states(found, folder, decode=True)
    return {*damaged, *(id for id, state in states.items() if state != CURRENT)}


def is_current(id: str, settings: Mapping[str, Any], folder: Path) -> bool:
    """Return whether a run has a record that would be the same if it were made now."""
    found, _ = records.load_sound(folder, {id: settings})
    return CURRENT in find_states(found, folder, decode=True).values()


class _Now:
    """Digests of code and data as they are now, each computed once."""

    def __init__(self, decode: bool, data: bool):
        self.code = cache(code_digest)
        self.data = cache(lambda task, read, test: data and _data_digests(task, read, test, decode))


def _state(record: Record, now: _Now) -> str:
    told, settings = record.made_from, record.settings
    if "code" in told and now.code(settings["method"]) not in (None, told["code"]):
        return OTHER_CODE
    if "source" not in told:
        return CURRENT
    data = now.data(settings["task"], Reading.of(settings), settings.get("test", ""))
    if data and any(told.get(key, digest) != digest for key, digest in data.items()):
        return UNKNOWN_DATA if UNKNOWN_DATA in data.values() else OTHER_DATA
    return CURRENT


def _data_digests(task: str, read: Reading, test: str, decode: bool) -> dict[str, str] | None:
    """Return the digests of the data of a task as it is now; None where the data is not here."""
    if not _can_be_here(task):
        return None
    from da.data import tasks

    if digests := tasks.current_digests(task, read, test):
        return digests
    try:
        own = DATASETS[tasks.parse_task(task).benchmark]
    except ValueError:
        return None
    if not getattr(own, "ANY_SIDE", False):  # of data that is fetched, and not a user's
        return None
    if not decode:
        return {"source": UNKNOWN_DATA}
    try:
        opened = tasks.open_domains(task, read)
        return tasks.digest_domains(task, *opened, *tasks.open_tests(task, test, read))
    except (ValueError, OSError) as error:
        return {"source": f"unreadable: {error}"}


def _can_be_here(task: str) -> bool:
    """Return whether a task's images may be on this machine, without the time to load PyTorch."""
    benchmark = task.partition(":")[0]
    stored = benchmark in DATASETS and "SIDE" in DATASETS.constants(benchmark)
    return not stored or (cache_home() / benchmark).exists()


def describe_origin(run: "Run", folder: Path) -> dict[str, str]:
    """Return what a run is made from other than its settings and its data, for its record.

    These are the code of its method, and what the runs were made from that it begins with.
    """
    digests = {
        "code": loaded_code_digest(run.method.owner.name),
        "init": _beginnings_digest(_beginnings(run.settings()), folder, {}),
    }
    return {key: digest for key, digest in digests.items() if digest}


def _beginnings(settings: Mapping[str, Any]) -> list[str]:
    named = (settings.get(name) for name in ("init", "hp.teacher"))
    return [id for id in named if is_run_id(id)]


def _beginnings_digest(ids: Iterable[str], folder: Path, known: Mapping[str, Record]) -> str | None:
    """Return a digest of what runs were made from, or None where their records do not say so."""
    told = []
    for id in ids:
        if record := known.get(id) or _get(id, folder):
            of = record.made_from
            told.append({key: of[key] for key in DIGESTS if key in of})
    if not any(told):
        return None
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _get(id: str, folder: Path) -> Record | None:
    try:
        return records.get(id, folder)
    except ValueError:
        return None


def describe_old(states: Mapping[str, str], found: Iterable[Record]) -> str:
    """Describe the records that are not what they would be now; empty where all are.

    Args:
        states: State of each record, by id.
        found: The records.
    """
    settings = {record.id: record.settings for record in found}
    parts: list[str] = []
    for state, count in Counter(states.values()).items():
        if state == CURRENT:
            continue
        of = [settings[id] for id in states if states[id] == state]
        names = shorten_names({s["method" if state == OTHER_CODE else "task"] for s in of})
        among = "" if parts else f"of {len(states)} records are "
        parts.append(f"{count} {among}of {state} ({'method ' * (state == OTHER_CODE)}{names})")
    return ", ".join(parts)
