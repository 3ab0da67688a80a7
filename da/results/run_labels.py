"""Tell runs apart by the settings in which they differ. This module does not import torch."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from da.results.records import Record

Settings = Mapping[str, Any]

TITLE = "method", "task", "seed"
"""Settings that the title of a run has anyway."""

LONG = 40
"""Characters of differing settings from which on values that most runs have are left out."""


def title(settings: Settings) -> str:
    """Return method, task and seed of a run."""
    return "{method} {task} seed {seed}".format_map({"seed": 0, **settings})


def first_weights(record: "Record") -> str:
    """Return the full name of the backbone's pretrained weights, or of the file that they are of.

    It is empty where the settings of the run say it all.
    """
    return record.made_from.get("network") or record.environment.get("init_file", "")


def label_runs(runs: Mapping[str, Settings]) -> dict[str, str]:
    """Return title, differing settings and id of each run, by id.

    Args:
        runs: Settings of each run, by id.
    """
    differences = list_differences(runs)
    return {
        id: " ".join(filter(None, (title(settings), differences[id], id)))
        for id, settings in runs.items()
    }


def list_differences(runs: Mapping[str, Settings]) -> dict[str, str]:
    """Return the settings that tell runs of one title apart, such as `lr=0.01`, by id.

    A setting that does so for one title is listed for all runs of that method. Where this makes a
    long text, a value that more than half of these runs have is left out.

    Args:
        runs: Settings of each run, by id.
    """
    differing: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    varying = _varying(runs)
    for id, settings in runs.items():
        method = settings["method"]
        differing[method][id] = {
            name: f"{name.removeprefix('hp.')}={_shorten(value)}"
            for name, value in settings.items()
            if (method, name) in varying
        }
    found = {id: text for alike in differing.values() for id, text in _join(alike).items()}
    return {id: found[id] for id in runs}


def _join(alike: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Join the texts of the settings of each run, without those of most runs where long."""
    joined = {id: " ".join(texts.values()) for id, texts in alike.items()}
    if max(map(len, joined.values())) <= LONG:
        return joined
    counts = Counter(item for texts in alike.values() for item in texts.items())
    return {
        id: " ".join(item[1] for item in texts.items() if counts[item] <= len(alike) / 2)
        for id, texts in alike.items()
    }


def _varying(runs: Mapping[str, Settings]) -> set[tuple[str, str]]:
    """Return each method and setting for which runs of one title have two values or more."""
    alike: dict[str, list[Settings]] = defaultdict(list)
    for settings in runs.values():
        alike[title(settings)].append(settings)
    found = set()
    for first, *others in alike.values():
        for other in others:
            both = first.keys() & other.keys() - {*TITLE}
            found |= {(first["method"], name) for name in both if first[name] != other[name]}
    return found


def _shorten(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_shorten, value)) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
