"""The processes that take part: where they run and what they take."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.peers.programs import PATH, Program, find_program

#: Where there are two cores what is measured has the second for itself.
CORES = sorted(os.sched_getaffinity(0))
DRIVER_CORE, MEASURED_CORE = CORES[0], CORES[-1]

_TICK = os.sysconf("SC_CLK_TCK")


def pinned(command: Sequence[str]) -> list[str]:
    """Return a command that runs on the core of what is measured."""
    taskset = find_program("taskset", "util-linux")
    return [taskset, "-c", str(MEASURED_CORE), *command]


@contextmanager
def running(command: Sequence[str], log: Path) -> Iterator[Program]:
    """Run a program that is measured, its output in *log*."""
    program = Program(pinned(command), log, {"PATH": PATH})
    try:
        yield program
    finally:
        program.stop()


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def resident(pid: int) -> int:
    """Return the memory that a process has, bytes."""
    return _from_status(pid, "VmRSS")


def peak(pid: int) -> int:
    """Return the most memory that a process has had since ``forget_peak``, bytes."""
    return _from_status(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Let ``peak`` begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _from_status(pid: int, field: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    size = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    assert size is not None
    return int(size[1]) * 1024
