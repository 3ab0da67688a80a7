"""Where a user's own data lie: at a path, or at that path under `DA_DATA`."""

import os
from pathlib import Path


def data() -> Path | None:
    """The folder `DA_DATA`, if it is set; ValueError where it is no folder."""
    if not (named := os.environ.get("DA_DATA")):
        return None
    if not Path(named).is_dir():
        raise ValueError(f"DA_DATA is {named!r}, which is no folder")
    return Path(named).resolve()


def find(name: str) -> Path | None:
    """The folder `name`, or else the one of that name under `DA_DATA`; None where neither is."""
    if not name:
        return None
    here, under = Path(name).expanduser(), data()
    places = [here, under / here] if under else [here]
    return next((place.resolve() for place in places if place.is_dir()), None)


def folder(name: str) -> Path:
    """As `find`, but ValueError where there is no such folder."""
    found = find(name)
    if found is None:
        raise ValueError(f"no such folder: {name!r}" + f", nor under {data()}" * bool(data()))
    return found


def one(names: str) -> tuple[str, str]:
    """The folder of a supervised task and ''; ValueError where there is no such folder."""
    folder(names)
    return names, ""


def one_or_none(names: str) -> tuple[str, str]:
    """As `one`, but a task may name none."""
    return one(names) if names else ("", "")
