"""The machine, commit and library versions that a run was made with. Does not load torch."""

import os
import platform
import re
import resource
import subprocess
import sys
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

LIBRARIES = "da-lab", "torch", "torchvision", "timm", "numpy"
"""Packages whose versions are recorded."""


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_memory() -> float:
    """Return the most memory that this process has held so far, in MB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def processor() -> str:
    """Return the model name of the processor, as the operating system gives it."""
    about = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", about.read_text()) if about.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def reset_peak_memory() -> None:
    """Let the peak of this process begin at what it holds now, where the system can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


@lru_cache
def environment() -> dict[str, str]:
    """Return the machine, the git commit of the package, and the versions of `LIBRARIES`.

    The commit ends in `+` where files are changed.
    """
    versions = {name: version(name) for name in LIBRARIES}
    about = {"machine": f"{processor()}, {cores()} cores", "system": platform.system()}
    return about | {"commit": _commit(), "python": platform.python_version()} | versions


def _commit() -> str:
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
