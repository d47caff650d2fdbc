"""vdproxy itself, as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.peers.programs import Program, wait_for

#: How long vdproxy may take to begin to listen, seconds.
_PATIENCE = 20.0


def start_twistd(
    log: Path,
    *arguments: str,
    options: Sequence[str] = (),
    bin: Path = Path(sys.executable).parent,
    plugins: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Program:
    """
    Start ``twistd vdproxy`` where *log* is and return it when it listens, and heeds
    signals, which it does a moment later.

    *options* are twistd's own, *env* is its environment besides what it needs. *bin*
    is where the programs of the environment are that it runs from, *plugins* a folder
    with more modules and plugins.
    """
    seen = log.read_text().count("listening for") if log.exists() else 0
    command = [str(bin / "twistd"), *options, "-n", "--pidfile=", "vdproxy"]
    given = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error", **(env or {})}
    if plugins is not None:
        given["PYTHONPATH"] = str(plugins)
    program = Program([*command, *arguments], log, given)
    try:
        wait_for(
            lambda: (
                (program.log.count("listening for") > seen and _heeds(program.pid))
                or not program.running
            ),
            _PATIENCE,
            "listening vdproxy",
            lambda: program.log,
        )
        assert program.running, program.log
    except BaseException:
        program.stop()
        raise
    return program


def _heeds(pid: int) -> bool:
    """Tell whether a process has a handler for SIGTERM."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = re.search(r"^SigCgt:\s+(\w+)", status, re.MULTILINE)
    assert caught is not None
    return bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


class Vdproxy:
    """
    ``twistd vdproxy`` on one configuration, which *ini* is the text of.

    Relative paths in it are below *directory*, where the log is as well. *bin*
    is where the programs of the environment are that it runs from, *plugins* a
    folder with more modules and plugins.
    """

    def __init__(
        self,
        directory: Path,
        ini: str,
        *arguments: str,
        bin: Path = Path(sys.executable).parent,
        plugins: Path | None = None,
    ) -> None:
        directory.mkdir(exist_ok=True)
        self._directory = directory
        self._ini = directory / "vm.ini"
        self._ini.write_text(ini)
        self._arguments = arguments
        self._bin = bin
        self._plugins = plugins
        self._program: Program | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._program = start_twistd(
            self._directory / "vdproxy.log",
            "-c",
            str(self._ini),
            *self._arguments,
            bin=self._bin,
            plugins=self._plugins,
        )

    def stop(self) -> None:
        """End it with SIGTERM."""
        if self._program is not None:
            self._program.stop()
            self._program = None

    def kill(self) -> None:
        """End it with SIGKILL."""
        assert self._program is not None
        self._program.kill()

    @property
    def pid(self) -> int:
        """Its process id; it has been started."""
        assert self._program is not None
        return self._program.pid

    @property
    def log(self) -> str:
        """What it has logged, in all its lives."""
        return (self._directory / "vdproxy.log").read_text()
