"""Finding a user's own data: at a path, or at that path under `DA_DATA`."""

import os
import re
from collections.abc import Callable
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
    return next((place.resolve() for place in _places(name) if place.is_dir()), None)


def find_file(name: str) -> Path | None:
    """Return the file `name`, else the one of that name under `DA_DATA`, else None."""
    return next((place.resolve() for place in _places(name) if place.is_file()), None)


def _places(name: str) -> list[Path]:
    if not name:
        return []
    here, under = Path(os.path.expanduser(name)), data_folder()
    return [here, under / here] if under else [here]


def require_file(name: str) -> Path:
    """Return the file `name`, or else the one of that name under `DA_DATA`.

    Raises:
        ValueError: If there is neither.
    """
    if found := find_file(name):
        return found
    data = data_folder()
    raise ValueError(f"no such file: {name!r}{f', nor under {data}' if data else ''}")


def split_paths(
    names: str, find: Callable[[str], Path | None], kind: str, syntax: str
) -> tuple[str, str]:
    """Split `names` at the one '-' or ':' that has an existing path on both sides.

    Args:
        names: Two paths as a task's name has them.
        find: `find_folder` or `find_file`.
        kind: Word for what is looked for: folder or file.
        syntax: Example of two paths, for messages.

    Raises:
        ValueError: If there is no such place, or more than one.
    """
    cuts = [(names[: at.start()], names[at.end() :]) for at in re.finditer("[-:]", names)]
    found = [cut for cut in cuts if all(map(find, cut))]
    if len(found) > 1:
        ways = " or ".join(f"{source!r} to {target!r}" for source, target in found)
        raise ValueError(f"{names!r} may mean {ways}; write a path in another way, say with './'")
    if not found:
        near = [cut for cut in cuts if any(map(find, cut))] or cuts
        missing = dict.fromkeys(path for cut in near for path in cut if not find(path))
        listed = ", ".join(map(repr, missing)) or f"{names!r} with no '-' in it"
        one = f"; a side is one {kind}, commas join none" * any("," in path for path in missing)
        raise ValueError(f"no such {kind}: {listed}; known: two {kind}s as in {syntax}{one}")
    return found[0]


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


def file_state(file: Path) -> tuple[int, int]:
    """Return time and size of a file, which tell whether it has changed."""
    about = file.stat()
    return about.st_mtime_ns, about.st_size
