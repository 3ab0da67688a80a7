"""Where a user's own data lie: at a path, or at that path under `DA_DATA`."""

import os
from pathlib import Path


def data_folder() -> Path | None:
    """The folder `DA_DATA`, if it is set; ValueError where it is no folder."""
    if not (named := os.environ.get("DA_DATA")):
        return None
    if not Path(named).is_dir():
        raise ValueError(f"DA_DATA is {named!r}, which is no folder")
    return Path(named).resolve()


def find_folder(name: str) -> Path | None:
    """The folder `name`, or else the one of that name under `DA_DATA`; None where neither is."""
    if not name:
        return None
    here, under = Path(name).expanduser(), data_folder()
    places = [here, under / here] if under else [here]
    return next((place.resolve() for place in places if place.is_dir()), None)


def require_folder(name: str) -> Path:
    """As `find_folder`, but ValueError where there is no such folder."""
    found = find_folder(name)
    if found is None:
        raise ValueError(
            f"no such folder: {name!r}" + f", nor under {data_folder()}" * bool(data_folder())
        )
    return found


def single_folder(names: str) -> tuple[str, str]:
    """The folder of a supervised task and ''; ValueError where there is no such folder."""
    require_folder(names)
    return names, ""


def optional_folder(names: str) -> tuple[str, str]:
    """As `single_folder`, but a task may name none."""
    return single_folder(names) if names else ("", "")
