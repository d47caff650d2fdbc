"""``twistd vdproxy`` as a process of its own, in the foreground or not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.peers.daemon import start_twistd
from tests.peers.programs import Program

TWISTD = str(Path(sys.executable).with_name("twistd"))
ENV = {"PATH": os.environ["PATH"]}

#: How long anything may take, seconds.
PATIENCE = 20.0


@contextmanager
def running(
    folder: Path, *arguments: str, options: tuple[str, ...] = (), **start: Any
) -> Iterator[Program]:
    """Run it in *folder* with vm.ini, in the foreground; it has begun to listen."""
    program = start_twistd(
        folder / "twistd.log", "-c", "vm.ini", *arguments, options=options, **start
    )
    try:
        yield program
    finally:
        program.stop()


def run(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess:
    """Run it in *folder* in the foreground until it ends by itself."""
    return subprocess.run(
        [TWISTD, "-n", "--pidfile=", "vdproxy", *arguments],
        cwd=folder,
        env=ENV | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def pids_in(folder: Path) -> list[int]:
    """Return the processes that have *folder* in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(folder) in line:
                found.append(int(entry.name))
    return found


@contextmanager
def daemonised(folder: Path) -> Iterator[int]:
    """
    Start it in *folder* with vm.ini as a daemon, and end it afterwards.

    Yields the exit status of the process that started the daemon. Its files are
    twistd.pid and daemon.log in *folder*.
    """
    pidfile, log = folder / "twistd.pid", folder / "daemon.log"
    command = [TWISTD, f"--pidfile={pidfile}", f"--logfile={log}", "vdproxy"]
    try:
        started = subprocess.run(
            [*command, "-c", str(folder / "vm.ini")],
            cwd=folder,
            env=ENV,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        )
        yield started.returncode
    finally:
        for pid in pids_in(folder):
            os.kill(pid, signal.SIGKILL)
