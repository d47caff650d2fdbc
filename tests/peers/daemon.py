"""vdproxy itself, as a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Self

from tests.peers.programs import Program, wait_for

#: How long vdproxy may take to begin to listen, seconds.
_PATIENCE = 15.0


class Vdproxy:
    """
    ``twistd vdproxy`` on one configuration, which *ini* is the text of.

    Relative paths in it are below *directory*, where the log is as well. *bin*
    is where the programs of the environment are that it runs from.
    """

    def __init__(
        self,
        directory: Path,
        ini: str,
        *arguments: str,
        bin: Path = Path(sys.executable).parent,
    ) -> None:
        directory.mkdir(exist_ok=True)
        self._directory = directory
        self._ini = directory / "vm.ini"
        self._ini.write_text(ini)
        self._arguments = arguments
        self._bin = bin
        self._program: Program | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [
            str(self._bin / "twistd"),
            "-n",
            "--pidfile=",
            "vdproxy",
            "-c",
            str(self._ini),
        ]
        log = self._directory / "vdproxy.log"
        seen = self.log.count("listening for") if log.exists() else 0
        env = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error"}
        program = Program([*command, *self._arguments], log, env)
        self._program = program
        wait_for(
            lambda: self.log.count("listening for vdi") > seen or not program.running,
            _PATIENCE,
            "listening vdproxy",
            lambda: self.log,
        )
        assert program.running, self.log

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
    def log(self) -> str:
        """What it has logged, in all its lives."""
        return (self._directory / "vdproxy.log").read_text()
