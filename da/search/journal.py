"""The file of a search: a journal of Optuna that goes on after a write that was cut short."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from da.system.extras import extra
from da.system.locks import Lock

with extra("tune", "a search"):
    from optuna.storages.journal import JournalFileBackend

CHUNK = 1 << 16
"""Bytes read at once from the end of the file."""


class Journal(JournalFileBackend):
    """A journal whose last line may be torn, as a killed process or a full disk leaves it.

    Optuna ignores such a line when it reads, but would write the next one into it.

    Args:
        file: File of the journal.
        lock: Lock of the file, which is free once the process that holds it has ended.
    """

    def __init__(self, file: Path, lock: Lock):
        super().__init__(str(file), lock)  # type: ignore[arg-type]
        self.file, self.lock = file, lock

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Cut a torn last line off, then append entries."""
        with self.lock:  # which Optuna takes again, and frees at its end
            if torn := _torn(self.file):
                os.truncate(self.file, self.file.stat().st_size - torn)
                tqdm.write(
                    f"da: {self.file}: the last line was cut short and is left out",
                    file=sys.stderr,
                )
            super().append_logs(logs)


def _torn(file: Path) -> int:
    """Return the number of bytes after the last end of a line."""
    with file.open("rb") as content:
        size = at = content.seek(0, os.SEEK_END)
        while at:
            start = max(0, at - CHUNK)
            content.seek(start)
            if (end := content.read(at - start).rfind(b"\n")) >= 0:
                return size - (start + end + 1)
            at = start
    return size


def describe_damage(file: Path) -> str:
    """Say what the first line is that is no entry of a journal; empty where all lines are."""
    with file.open("rb") as content:
        for number, line in enumerate(content, 1):
            try:
                known = isinstance(json.loads(line)["op_code"], int)
            except (ValueError, KeyError, TypeError, IndexError):
                known = False
            if not known:
                return f"line {number} is no entry of a journal: delete it, or choose another file"
    return ""
