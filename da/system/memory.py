"""How the process holds on to memory."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory() -> bool:
    """Keep freed memory in this process for its next allocation; False where that cannot be asked.

    Otherwise glibc gives every block of 32 MB and more back to the system when it is freed, and
    the next step takes a page fault for each 4 KB of its activations and images anew. The price
    is memory: blocks are not always used again at once (glibc 2.36: after some 8 of one size).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))
