"""Finding a domain of a published data set among a user's folders, and its lists."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from da.config.validation import plain_name, shorten_names
from da.data import paths
from da.data.datasets import _archives as packed
from da.data.datasets._class_folders import subfolders

DEPTH = 3
"""Folders between that of a data set and that of a domain, at most."""

INSIDE = "images", "full"
"""Folders between a domain and its classes, in some archives."""

LISTS = "", "image_list", "txt", "splits"
"""Folders of lists, next to the domains or one folder up."""

_found: dict[tuple[Path | str, ...], Path] = {}


def find_domain(
    titles: Sequence[str], files: Sequence[str], names: Sequence[str], numbers: Mapping[str, int]
) -> Path | None:
    """Return the folder that holds the class folders of a domain, or None where it is not here.

    It is looked for in the folder of the data set under `DA_DATA`, and then in all of `DA_DATA`.
    Last, archives in both are unpacked that have the name of the data set or of the domain. Of
    folders that lack classes, the one that holds most is taken, if nothing else is here.

    Args:
        titles: Names that the folder or an archive of the data set may have.
        files: Other names of archives that hold the domain, without endings.
        names: Names that the folder of the domain may have.
        numbers: Class of each plain name of a class folder; half of the classes have to be there.
    """
    if not (data := paths.data_folder()):
        return None
    key: tuple[Path | str, ...] = (data, *titles, *names)
    if key not in _found or not _found[key].is_dir():
        roots, wanted = set_folders(titles), {*map(plain_name, names)}
        archives = wanted | {*map(plain_name, (*titles, *files))}
        unpacked = packed.unpack_classes(roots, archives, numbers)
        if not (best := _most_classes(chain(roots, unpacked), wanted, numbers)):
            return None
        _found[key] = best
    return _found[key]


def set_folders(titles: Sequence[str]) -> list[Path]:
    """Return the folders that may hold a data set: those of its names under `DA_DATA`, and that."""
    if not (data := paths.data_folder()):
        return []
    wanted = {*map(plain_name, titles)}
    return [*(p for p in subfolders(data) if plain_name(p.name) in wanted), data]


def _most_classes(
    roots: Iterable[Path], names: set[str], numbers: Mapping[str, int]
) -> Path | None:
    """Return the first folder that holds all classes, else the one that holds most of them."""
    total, most = len({*numbers.values()}), 0
    best: Path | None = None
    for root in roots:
        for place in _named(root, names):
            known = {numbers.get(plain_name(p.name)) for p in subfolders(place)} - {None}
            if len(known) == total:
                return place
            if 2 * len(known) >= total and len(known) > most:
                most, best = len(known), place
    return best


def _named(root: Path, names: set[str]) -> Iterator[Path]:
    """Yield the folders of some names, and what may hold their classes."""
    for folder in walk(root):
        if plain_name(folder.name) in names:
            yield from (folder, *(p for p in subfolders(folder) if p.name in INSIDE))


def walk(root: Path) -> Iterator[Path]:
    """Yield the folders below a folder, level by level."""
    level = [root]
    for _ in range(DEPTH):
        level = [inner for folder in level for inner in subfolders(folder)]
        yield from level


def find_list(place: Path, names: Sequence[str], titles: Sequence[str]) -> Path | None:
    """Return the list of one of some names that is near a domain's folder, or None for none.

    Args:
        place: The folder.
        names: Names that the list may have.
        titles: Names that the folder of the data set may have.
    """
    near = set_folders(titles)
    folders = *LISTS[1:], *(name.rpartition("/")[0] for name in names if "/" in name)
    unpacked = (top for p in packed.unpack_named(near, folders) for top in (p, p.parent))
    tops = chain((place.parent, place.parent.parent, *near), unpacked)
    places = (top / folder / name for top in tops for folder in LISTS for name in names)
    return next((path for path in places if path.is_file()), None)


def read_list(file: Path) -> list[Path]:
    """Return the paths of the images in a list of a path and a number in each line."""
    return [Path(line.rpartition(" ")[0]) for line in read_lines(file)]


def read_lines(file: Path) -> list[str]:
    """Return the lines of a list without empty ones.

    Raises:
        ValueError: If it cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read the list {file}: {error}") from error
    return [line for line in text.splitlines() if line.strip()]


def explain(names: Sequence[str]) -> str:
    """Say why a domain was not found."""
    data = paths.data_folder()
    if data is None:
        return "DA_DATA is not set"
    return f"under {data} no folder {shorten_names(names)} holds its classes"
