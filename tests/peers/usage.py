"""What a process takes, as the kernel tells."""

from __future__ import annotations

import os
import re
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def files_of(pid: int) -> int:
    """Return how many files a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def cpu_seconds_of(pid: int) -> float:
    """Return the processor time that a process has used, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def resident_of(pid: int) -> int:
    """Return the memory that a process has, KiB."""
    return _kibibytes(Path(f"/proc/{pid}/status"), "VmRSS")


def peak_of(pid: int) -> int:
    """Return the most memory that a process has had since ``forget_peak_of``, KiB."""
    return _kibibytes(Path(f"/proc/{pid}/status"), "VmHWM")


def proportional_of(pid: int) -> int:
    """Return the memory of a process, what it shares counted in part, KiB."""
    return _kibibytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss")


def forget_peak_of(pid: int) -> None:
    """Let ``peak_of`` begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _kibibytes(file: Path, field: str) -> int:
    size = re.search(rf"^{field}:\s+(\d+) kB", file.read_text(), re.MULTILINE)
    assert size is not None
    return int(size[1])
