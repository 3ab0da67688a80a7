"""Archives, read in place or unpacked into the cache; no member leaves its folder."""

import hashlib
import json
import lzma
import os
import shutil
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from da.system.cache import cache_home, make_once, remove_unused

ENDINGS = ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".zip"
"""Ends of the names of archives, in lower case."""

DAMAGE = tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError
"""Errors of reading archives that are cut off, damaged or locked."""

GROUP = "unpacked"
"""Folder of the cache for what is unpacked."""


class Member(NamedTuple):
    """A file in an archive; a link or a device has no content."""

    name: str
    content: IO[bytes] | None


def base_name(name: str) -> str:
    """Return the name of an archive without its ending, or "" for what is no archive."""
    fits = [end for end in ENDINGS if name.lower().endswith(end)]
    return name[: -max(map(len, fits))] if fits else ""


def unpack(archive: Path) -> Path:
    """Return the folder in the cache with what an archive holds, which is unpacked once.

    That folder holds one of the archive's name without its ending.

    Raises:
        ValueError: If the archive is damaged, or a member would leave the folder.
    """
    about = archive.stat()
    state = f"{archive} {about.st_size} {about.st_mtime_ns}"
    folder = cache_home() / GROUP / hashlib.sha256(os.fsencode(state)).hexdigest()[:24]

    def write(part: Path) -> None:
        remove_unused(folder.parent)
        print(f"unpacking {archive}, once", file=sys.stderr)
        extract(archive, part / base_name(archive.name))
        (part / "about.json").write_text(json.dumps({"archive": str(archive)}))

    return make_once(folder, write, lambda made: json.loads((made / "about.json").read_text()))


def extract(archive: Path, folder: Path) -> None:
    """Write all files of an archive below a folder that does not exist yet.

    Links and devices are left out, with a line on stderr, so that none can be followed. Files get
    the time of the archive.

    Raises:
        ValueError: If the archive is damaged, or a member would leave the folder.
    """
    folder.mkdir(parents=True)
    changed, links = archive.stat().st_mtime_ns, 0
    with _read(archive) as members:
        for name, content in members:
            path = folder / _inner_path(archive, name)
            links += content is None
            if content is None:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with content, path.open("wb") as file:
                shutil.copyfileobj(content, file, 2**20)
            os.utime(path, ns=(changed, changed))
    if links:
        print(f"{archive}: left out {links} members that are no files", file=sys.stderr)


def list_names(archive: Path, most: int | None = None) -> list[str]:
    """List the names of the first files in an archive, `most` of them or all.

    Raises:
        ValueError: If the archive is damaged.
    """
    with _read(archive, names=True) as members:
        return [member.name for member in islice(members, most)]


def read_members(archive: Path, names: Sequence[str]) -> list[bytes]:
    """Read the files in an archive whose paths end in some names, without unpacking it.

    Raises:
        ValueError: If one is not there, or the archive is damaged.
    """
    found: dict[str, bytes] = {}
    wanted = {name: PurePosixPath(name).parts for name in names}
    with _read(archive) as members:
        for path, content in members:
            ends = PurePosixPath(path).parts
            new = [n for n, p in wanted.items() if n not in found and ends[-len(p) :] == p]
            if content and new:
                found |= dict.fromkeys(new, content.read())
            if len(found) == len(wanted):
                return [found[name] for name in names]
    missing = next(name for name in names if name not in found)
    raise ValueError(f"{archive} has no file {missing!r} in it")


def _inner_path(archive: Path, name: str) -> PurePosixPath:
    """Return the path of a member, which has to stay inside."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise ValueError(f"{archive} has the member {name!r}, which leaves its folder")
    return path


@contextmanager
def _read(archive: Path, *, names: bool = False) -> Iterator[Iterator[Member]]:
    """Give the members of an archive, with their contents unless only `names` are wanted."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as pack:
                yield _zip_members(pack, names)
        else:
            if not tarfile.is_tarfile(archive):
                raise tarfile.ReadError("it is no archive, or was cut off")
            with tarfile.open(archive) as tar:
                yield _tar_members(tar, names)
    except DAMAGE as error:
        raise ValueError(f"cannot read {archive}: {error}") from error


def _zip_members(pack: zipfile.ZipFile, names: bool) -> Iterator[Member]:
    for info in pack.infolist():
        if not info.is_dir():
            link = stat.S_ISLNK(info.external_attr >> 16)
            yield Member(info.filename, None if link or names else pack.open(info))


def _tar_members(tar: tarfile.TarFile, names: bool) -> Iterator[Member]:
    for info in tar:
        if not info.isdir():
            yield Member(info.name, tar.extractfile(info) if info.isreg() and not names else None)
    if tar.fileobj:  # else a file that was cut off between members would be taken for all of it
        tar.fileobj.seek(tar.offset)
        if tar.fileobj.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
            raise tarfile.ReadError("it was cut off")
