"""Fetching the files of published data sets into `DA_DATA`, after a look at what is there."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from da.data import paths
from da.data.datasets._find_published import set_folders
from da.system.remote_files import RemoteFile


@dataclass(frozen=True)
class Origin:
    """Where the files of a published data set come from."""

    name: str
    """Name of the data set, and of its folder below `DA_DATA`."""
    license: str
    """Terms of its authors, in a line."""
    files: tuple[RemoteFile, ...]
    folders: Sequence[str] = ()
    """Other names that its folder has in circulation."""

    def find(self, name: str) -> Path | None:
        """Return a file of some name, in a folder of the data set or in `DA_DATA` itself."""
        places = (folder / name for folder in set_folders((self.name, *self.folders)))
        return next((place for place in places if place.is_file()), None)

    def fetch(self, missing: Collection[str]) -> Iterator[str]:
        """Fetch the files of missing domains, and yield a line on the license and on each file.

        Raises:
            ValueError: If a file cannot be fetched; the message says what to put where.
        """
        wanted = [f for f in self.files if not f.domains or {*f.domains} & {*missing}]
        wanted = [f for f in wanted if not self.find(f.name)]
        if not missing or not wanted:
            return
        folder = self._folder(wanted)
        yield f"{self.name}: license: {self.license}"
        by_hand = [f for f in wanted if not f.url]
        ask = f"{self.name}: {_ask(by_hand)}, and put it into {folder}" if by_hand else ""
        if ask and len(by_hand) < len(wanted):
            yield ask
        for file in (f for f in wanted if f.url):
            yield f"{self.name}: fetching {file.url}"
            yield _fetch(file, folder / file.name)
        if ask:
            raise ValueError(ask)

    def check(self) -> Iterator[str]:
        """Yield a line on each archive that is here and has a published checksum."""
        for file in self.files:
            if file.digest and (here := self.find(file.name)):
                try:
                    file.check(here)
                    yield f"{here}: {file.digest.partition(':')[0].upper()} as published"
                except ValueError as error:
                    yield str(error)

    def _folder(self, wanted: Sequence[RemoteFile]) -> Path:
        if (data := paths.data_folder()) is None:
            raise ValueError(
                f"{self.name}: {_ask(wanted)}; first set DA_DATA to a folder with room for it"
            )
        return data / self.name


def _ask(files: Sequence[RemoteFile]) -> str:
    """Say which files to get, and from where."""
    return "get " + ", ".join(f"{file.name} ({file.origin})" for file in files)


def _fetch(file: RemoteFile, path: Path) -> str:
    """Fetch a file, and say whether it is the published one."""
    try:
        file.fetch(path)
    except ValueError as error:
        raise ValueError(f"{error}; try again, or put the file at {path} by hand") from error
    known = file.digest.partition(":")[0].upper()
    return f"{path}: {f'{known} as published' if known else 'no checksum is published'}"
