"""Finding a user's own data: at a path, or at that path under `DA_DATA`."""

import os
from pathlib import Path


def data_folder() -> Path | None:
    """Return the folder that `DA_DATA` names, or None where it is not set.

    Raises:
        ValueError: If what it names is not a folder.
    """
    if not (named := os.environ.get("DA_DATA")):
        return None
    folder = Path(os.path.expanduser(named))
    if not folder.is_dir():
        raise ValueError(f"DA_DATA is {named!r}, which is no folder")
    return folder.resolve()


def find_folder(name: str) -> Path | None:
    """Return the folder `name`, else the one of that name under `DA_DATA`, else None."""
    if not name:
        return None
    here, under = Path(os.path.expanduser(name)), data_folder()
    places = [here, under / here] if under else [here]
    return next((place.resolve() for place in places if place.is_dir()), None)


def require_folder(name: str) -> Path:
    """Return the folder `name`, or else the one of that name under `DA_DATA`.

    Raises:
        ValueError: If there is neither.
    """
    found = find_folder(name)
    if found is None:
        data = data_folder()
        under = f", nor under {data}" if data else ""
        raise ValueError(f"no such folder: {name!r}{under}")
    return found


def single_folder(names: str) -> tuple[str, str]:
    """Return the one folder that a supervised task names, and '' for its missing target.

    Raises:
        ValueError: If there is no such folder.
    """
    require_folder(names)
    return names, ""


def optional_folder(names: str) -> tuple[str, str]:
    """Do as `single_folder` does, but accept a task that names no folder."""
    return single_folder(names) if names else ("", "")
