"""A setting of the allocator that makes a process keep the memory it frees."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory() -> bool:
    """Keep freed memory in this process for its next allocation.

    By default, glibc gives every block of 32 MB and more back to the system when it is freed. The
    next step then takes a page fault for each 4 KB of its activations and images again. The price
    is memory: blocks are not always reused at once (glibc 2.36: after about 8 of one size).

    Returns:
        False where this cannot be set.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))
