"""Archives of published data sets among a user's files, unpacked where they are needed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from da.config.validation import plain_name
from da.system import archives

FIRST = 300
"""Files at the beginning of an archive that show whether it holds classes of a data set."""


def unpack_classes(
    folders: Sequence[Path], names: Collection[str], numbers: Mapping[str, int]
) -> Iterator[Path]:
    """Unpack the archives of some names that hold folders of classes, one after the other.

    Args:
        folders: Where they are looked for.
        names: Plain names of archives, without endings.
        numbers: Class of each plain name of a class folder.
    """
    for file in _find(folders, names):
        parts = {part for name in archives.list_names(file, FIRST) for part in _folders(name)}
        own = plain_name(archives.base_name(file.name))  # VisDA's archive and a class are `train`
        if not numbers.keys().isdisjoint({*map(plain_name, parts)} - {own}):
            folder = archives.unpack(file)
            yield from (folder, folder / archives.base_name(file.name))


def unpack_listed(
    folders: Sequence[Path], names: Collection[str], listed: Collection[str]
) -> Iterator[Path]:
    """Unpack the archives of some names that hold listed images, one after the other.

    Args:
        folders: Where they are looked for.
        names: Plain names of archives, without endings.
        listed: Last two parts of the images' paths in a list.
    """
    for file in _find(folders, names):
        inside = archives.list_names(file, FIRST)
        if not {*map(last_two, inside)}.isdisjoint(listed):
            yield archives.unpack(file)


def last_two(path: str) -> str:
    """Return the last two parts of a path."""
    return "/".join(PurePosixPath(path).parts[-2:])


def unpack_named(folders: Sequence[Path], names: Collection[str]) -> Iterator[Path]:
    """Unpack the archives of some names, and yield what each holds."""
    for file in _find(folders, {*map(plain_name, names)}):
        yield archives.unpack(file) / archives.base_name(file.name)


def _find(folders: Sequence[Path], names: Collection[str]) -> Iterator[Path]:
    for folder in dict.fromkeys(folders):
        for file in sorted(folder.iterdir()):
            if plain_name(archives.base_name(file.name)) in names and file.is_file():
                yield file


def _folders(name: str) -> tuple[str, ...]:
    return PurePosixPath(name).parts[:-1]
