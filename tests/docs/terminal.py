"""A terminal in which the commands of a page are typed."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.docs.transcript import pattern
from tests.peers.programs import wait_for

#: How long a command may take, seconds: pip may have much to fetch.
_PATIENCE = 120.0

#: How long a program may take to end after Ctrl-C, seconds.
_END_PATIENCE = 10.0


class Terminal:
    """
    A bash that begins in *folder*, with one command at a time.

    *logs* is a folder for what it keeps; *number* tells terminals apart there.
    """

    def __init__(
        self, folder: Path, env: Mapping[str, str], logs: Path, number: int
    ) -> None:
        self._output = logs / f"output-{number}"
        self._statuses = logs / f"statuses-{number}"
        self._statuses.touch()
        self._read = 0
        self._started = 0
        with self._output.open("wb") as output:
            self._bash = subprocess.Popen(
                ["bash", "--noprofile", "--norc"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=env,
                start_new_session=True,
            )
        # Ctrl-C is for the command; with a trap bash goes on when that has ended.
        self._write("trap : INT")

    @property
    def folder(self) -> Path:
        """Where it is now."""
        return Path(f"/proc/{self._bash.pid}/cwd").readlink()

    def run(
        self, command: str, shown: Sequence[str], *, may_fail: bool = False
    ) -> None:
        """Type a command and wait until it has ended, having printed what is shown."""
        self.start(command)
        status = self._finish(shown, _PATIENCE)
        assert status == 0 or may_fail, f"status {status} of {command}"

    def start(self, command: str) -> None:
        """Type a command; ``$?`` in it is the status of the one before."""
        self._started += 1
        self._write(
            f"(exit $_status); eval {shlex.quote(command)} </dev/null; _status=$?;"
            f" echo $_status >>{shlex.quote(str(self._statuses))}"
        )

    def see(self, shown: Sequence[str]) -> None:
        """Wait until the command has printed what is shown; it must go on then."""
        expected = pattern(shown)
        wait_for(
            lambda: self._free or expected.match(self._new),
            _PATIENCE,
            "such output",
            lambda: _compared(shown, self._new),
        )
        match = expected.match(self._new)
        assert match, _compared(shown, self._new)
        self._must_run()
        self._read += match.end()

    def interrupt(self, shown: Sequence[str]) -> None:
        """Press Ctrl-C and wait until the command has ended, as is shown."""
        self._must_run()
        os.killpg(self._bash.pid, signal.SIGINT)
        self._finish(shown, _END_PATIENCE)

    def close(self) -> None:
        """End what still runs here."""
        with suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()

    def _finish(self, shown: Sequence[str], patience: float) -> int:
        wait_for(lambda: self._free, patience, "end", lambda: self._new)
        printed = self._new
        self._read += len(printed)
        if printed and not printed.endswith("\n"):
            printed += "\n"
        assert pattern(shown).fullmatch(printed), _compared(shown, printed)
        return int(self._statuses.read_text().splitlines()[-1])

    def _must_run(self) -> None:
        assert not self._free, f"it has ended by itself\n{self._all}"

    @property
    def _free(self) -> bool:
        assert self._bash.poll() is None, f"bash has ended\n{self._new}"
        return len(self._statuses.read_text().splitlines()) == self._started

    @property
    def _new(self) -> str:
        return self._all[self._read :]

    @property
    def _all(self) -> str:
        return self._output.read_text(errors="replace")

    def _write(self, line: str) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.write(line.encode() + b"\n")
        self._bash.stdin.flush()


def _compared(shown: Sequence[str], printed: str) -> str:
    expected = "".join(f"{line}\n" for line in shown)
    return f"the page shows:\n{expected}\nit prints:\n{printed}"
