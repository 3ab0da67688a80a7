import subprocess
import sys

import pytest

from da.system import memory

PAGE_FAULTS = """
import resource
import torch
from da.system import memory

def faults():
    for _ in range(16):
        torch.zeros(2**23 + 2**21)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.zeros(2**23 + 2**21)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(faults(), memory.keep_freed_memory(), faults())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_kept_memory_is_used_again_without_page_faults():
    done = subprocess.run([sys.executable, "-c", PAGE_FAULTS], capture_output=True, check=True)
    usual, asked, kept = done.stdout.split()
    assert asked == b"True"
    assert int(kept) < 100
    assert int(usual) > int(kept) or int(usual) == 0  # huge pages, or another allocator


def test_where_malloc_cannot_be_asked_nothing_happens(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert memory.keep_freed_memory() is False
