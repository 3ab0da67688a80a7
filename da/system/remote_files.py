"""Large files that others publish, fetched in pieces: a download that breaks goes on later.

What has arrived is kept next to the file, as `NAME.partial`, with the server's mark of the version
in `NAME.partial.version`. A server that has another version by then sends all of it again.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tqdm import tqdm

from da.system.cache import explain_write_errors
from da.system.download import NETWORK, TIMEOUT
from da.system.locks import lock

CHUNK = 2**20
"""Bytes that are read at a time."""

PARTIAL_CONTENT, UNSATISFIABLE = 206, 416
"""Answers of a server: a part of the file, and no such part."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a published data set, and where it is."""

    name: str
    url: str = ""
    """Address of the file; empty where it has none that stays."""
    place: str = ""
    """Where a person finds it, such as a number at a cloud service, where it has no address."""
    digest: str = ""
    """`md5:` or `sha256:` and the published checksum in hexadecimal; empty for none."""
    domains: Sequence[str] = ()
    """Domains that it holds; empty for all."""

    @property
    def origin(self) -> str:
        """Where it comes from."""
        return self.url or self.place

    def check(self, file: Path) -> None:
        """Compare a file with the published checksum, if there is one.

        Raises:
            ValueError: If it differs.
        """
        kind, _, known = self.digest.partition(":")
        if not known:
            return
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, kind).hexdigest()
        if found != known:
            raise ValueError(f"{file} has {kind.upper()} {found}, known: {known}")

    def fetch(self, path: Path) -> None:
        """Fetch the file to `path`, from where an earlier download ended.

        Raises:
            ValueError: If the server cannot be reached, or sends another file.
            UnwritableError: If the disk is full.
        """
        partial = path.with_name(f"{path.name}.partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        with explain_write_errors(path, "DA_DATA"), lock(path.with_name(f".{path.name}.lock")):
            if path.exists():  # another process has fetched it
                return
            try:
                _download(self.url, partial)
            except NETWORK as error:
                kept = f"; {_size(partial):,} bytes are kept" if _size(partial) else ""
                raise ValueError(f"cannot fetch {self.url}: {error}{kept}") from error
            try:
                self.check(partial)
            except ValueError:
                _forget(partial)
                raise
            partial.replace(path)
            _forget(partial)


def _download(url: str, partial: Path) -> None:
    """Fetch the rest of a file; where the connection breaks after some bytes, go on at once."""
    while True:
        before = _size(partial)
        try:
            if _append(url, partial):
                return
        except NETWORK:
            if _size(partial) <= before:
                raise


def _append(url: str, partial: Path) -> bool:
    """Append what one answer of the server has, and return whether the file is whole."""
    start, version = _size(partial), _version_file(partial)
    known = version.read_text() if version.exists() else ""
    start = start if known else 0  # another version may be there by now
    headers = {"Range": f"bytes={start}-", "If-Range": known} if start else {}
    try:
        answer = urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        if error.code != UNSATISFIABLE or not start:
            raise
        if error.headers.get("Content-Range") == f"bytes */{start}":  # all of it came before
            return True
        _forget(partial)
        return False
    with answer:
        resumed = answer.status == PARTIAL_CONTENT
        version.write_text(answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "")
        return _write(answer, partial, start if resumed else 0)


def _write(answer: Any, partial: Path, start: int) -> bool:
    """Write an answer from byte `start` on, and return whether all of it came."""
    length = answer.headers.get("Content-Length")
    whole = start + int(length) if length else None
    options = {"unit": "B", "unit_scale": True, "disable": None, "desc": partial.stem}
    with (
        partial.open("r+b" if start else "wb") as file,
        tqdm(total=whole, initial=start, **options) as bar,
    ):
        file.seek(start)
        file.truncate()
        while chunk := answer.read(CHUNK):
            file.write(chunk)
            bar.update(len(chunk))
    if whole is not None and _size(partial) < whole:
        raise ConnectionError(f"{_size(partial):,} of {whole:,} bytes came")
    return True


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _version_file(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.version")


def _forget(partial: Path) -> None:
    for file in (partial, _version_file(partial)):
        with suppress(FileNotFoundError):
            file.unlink()
