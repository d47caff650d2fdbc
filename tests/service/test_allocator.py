"""Memory that large messages come and go in, each time in a process of its own."""

from __future__ import annotations

import ctypes
import subprocess
import sys

from vdproxy.service.allocator import keep_some_memory

PROGRAM = """
import re, resource
from pathlib import Path
from vdproxy.service.allocator import keep_some_memory

MIB = 1024 * 1024
if {kept}:
    keep_some_memory()

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

before = resident()
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    blocks = [b"x" * MIB for _ in range(4)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults)
large = b"x" * (100 * MIB)
del large
print(resident() - before)
"""


def measured(*, kept):
    """Return page faults of blocks that come and go, and KiB that are left of all."""
    command = [sys.executable, "-c", PROGRAM.format(kept=kept)]
    return [int(line) for line in subprocess.check_output(command).split()]


def test_blocks_that_come_and_go_have_no_pages_cleared_and_large_ones_go_back():
    faults, left = measured(kept=True)
    assert faults * 10 < measured(kept=False)[0]
    assert left < 10 * 1024


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert keep_some_memory() is None
