"""The processes that take part: where they run and what they take."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.peers.programs import PATH, Program, find_program

#: Where there are two cores what is measured has the second for itself.
CORES = sorted(os.sched_getaffinity(0))
DRIVER_CORE, MEASURED_CORE = CORES[0], CORES[-1]


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
