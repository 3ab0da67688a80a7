"""Temporary files and folders, named after the process that writes them."""

import hashlib
import os
import re
import shutil
import socket
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

PART = re.compile(r"\..+?(?:\.([0-9a-f]{8}))?\.(\d+)\.part")
"""Names of temporary files: what they become, the machine and the process."""

FOREIGN = 86400
"""Seconds without a change after which a temporary file of another machine is abandoned."""


def part_path(path: Path) -> Path:
    """Return the temporary path next to `path` at which this process writes it."""
    return path.with_name(f".{path.name}.{_machine()}.{os.getpid()}.part")


def remove(path: Path) -> None:
    """Remove a file, link or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_abandoned(folder: Path) -> None:
    """Remove temporary files and folders in `folder` whose process has ended."""
    with suppress(OSError), os.scandir(folder) as entries:
        parts = [entry.name for entry in entries if entry.name.endswith(".part")]
        for name in parts:
            if (found := PART.fullmatch(name)) and _is_abandoned(folder / name, *found.groups()):
                remove(folder / name)


@lru_cache(maxsize=1)
def _machine() -> str:
    """Return what tells process numbers of machines and containers apart, as 8 hex digits."""
    name = socket.gethostname()
    with suppress(OSError):
        name += os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _is_abandoned(part: Path, machine: str | None, process: str) -> bool:
    if machine == _machine():
        return not _is_alive(int(process))
    changed = [path.lstat().st_mtime for path in (part, *part.rglob("*"))]
    return time.time() - max(changed) > FOREIGN


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
