"""The file that audit lines are appended to, whatever becomes of it meanwhile."""

from __future__ import annotations

import os
from errno import ENOSPC
from pathlib import Path

from vdproxy.api import VM

# A FIFO that nobody reads must not stop the process.
_APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_MODE = 0o640


class AuditFile:
    """
    Appends lines to the file *path*, each with one write.

    It is opened for each line, so that one that was renamed or removed is begun
    anew. Lines that cannot be written are lost and counted; the log says when that
    begins, and how many there were when it has ended.
    """

    def __init__(self, path: Path, vm: VM) -> None:
        self._path = path
        self._vm = vm
        self._lost = 0

    def write(self, line: bytes) -> None:
        """Append *line*, which ends in a newline."""
        try:
            _append(self._path, line)
        except OSError as error:
            if not self._lost:
                self._vm.log.critical(
                    "audit lines cannot be written to {file}: {error}",
                    file=self._path,
                    error=error.strerror,
                )
            self._lost += 1
            self._vm.count("audit-lines-lost")
            return
        self._tell_lost("audit lines are written to {file} again, {count} were lost")

    def close(self) -> None:
        """Take note that no more lines come."""
        self._tell_lost("{count} audit lines for {file} were lost")

    def _tell_lost(self, text: str) -> None:
        if self._lost:
            self._vm.log.warn(text, file=self._path, count=self._lost)
            self._lost = 0


def _append(path: Path, line: bytes) -> None:
    file = os.open(path, _APPENDING, _MODE)
    try:
        if _is_torn(path, os.fstat(file).st_size):
            line = b"\n" + line
        written = os.write(file, line)
    finally:
        os.close(file)
    if written < len(line):
        raise OSError(ENOSPC, os.strerror(ENOSPC))


def _is_torn(path: Path, size: int) -> bool:
    """
    Tell whether a file of *size* bytes ends in the middle of a line.

    Another VM or an earlier process may have left it so. One that may not be read is
    taken to be whole, and what is no file has no size.
    """
    if not size:
        return False
    try:
        file = os.open(path, _READING)
    except OSError:
        return False
    try:
        return os.pread(file, 1, size - 1) != b"\n"
    finally:
        os.close(file)
