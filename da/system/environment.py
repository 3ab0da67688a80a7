"""Where a run was made: machine, commit, versions. No torch."""

import os
import platform
import re
import resource
import subprocess
import sys
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

LIBRARIES = "da-lab", "torch", "torchvision", "timm", "numpy"


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_memory() -> float:
    """The most memory this process has held so far, in MB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def processor() -> str:
    """Model name of the processor, as the system tells it."""
    about = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", about.read_text()) if about.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


@lru_cache
def environment() -> dict[str, str]:
    """Machine, git commit of the package (`+` where files are changed), and versions."""
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
