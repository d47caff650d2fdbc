"""Programs that tests run: found, started, watched and stopped."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

#: Where programs are looked for: daemons are not on every user's PATH.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#: How long a program may take to end after SIGTERM, a helper when its pipe is closed,
#: and Xvfb to start, seconds.
_STOP_SECONDS = 6.0
_HELPER_SECONDS = 10.0
_XVFB_SECONDS = 10.0


def find_program(name: str, package: str) -> str:
    """
    Return the path of a program.

    A missing one fails the test, which would prove nothing if it were skipped.
    """
    found = shutil.which(name, path=PATH)
    if found is None:
        raise AssertionError(
            f"{name} is not installed; it is in the Debian package {package}"
        )
    return found


def wait_for(
    predicate: Callable[[], T | None],
    seconds: float,
    what: str,
    context: Callable[[], str] | None = None,
) -> T:
    """
    Call *predicate* until it returns something true, and return that.

    :raises TimeoutError: it did not in *seconds*; the text says *what* was
        awaited and, given *context*, how things stood at the end.
    """
    deadline = time.monotonic() + seconds
    while not (result := predicate()):
        if time.monotonic() > deadline:
            state = f"\n{context()}" if context else f" (last seen: {result!r})"
            raise TimeoutError(f"no {what} in {seconds:g} s{state}")
        time.sleep(0.01)
    return result


class Program:
    """
    A running subprocess without input, its output appended to a log file.

    It runs in the directory of that file, where a crash may leave a core.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        env: Mapping[str, str],
        pass_fds: Sequence[int] = (),
    ) -> None:
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=log.parent,
                pass_fds=pass_fds,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def log(self) -> str:
        """What this program, and others with the same log file, have written."""
        return self._log.read_text(errors="replace")

    def wait(self, seconds: float) -> int:
        """Wait for the program to end by itself and return its exit status."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"{error}\n{self.log}") from None

    def send(self, number: int) -> None:
        """Send the program a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End the program at once: it gets no chance to say goodbye."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End the program with SIGTERM, with SIGKILL if it does not heed that."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


@contextmanager
def helper(target: Callable[..., None], *arguments: object) -> Iterator[Connection]:
    """
    Run a function in a process of its own, its last argument one end of a pipe.

    It is to return when the other end, which is yielded, is closed.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(*arguments, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(_HELPER_SECONDS)
        process.terminate()
        process.join()
        process.close()


def start_xvfb(directory: Path) -> tuple[Program, str]:
    """
    Start an X server without a screen and return it with its ``DISPLAY``.

    The server picks the display number itself, so that servers of other tests
    are no matter. Its lock files, in ``/tmp``, go when it is stopped.
    """
    xvfb = find_program("Xvfb", "xvfb")
    reader, writer = os.pipe()
    with os.fdopen(reader) as numbers:
        try:
            # Without -noreset it starts anew whenever its last client leaves.
            command = [xvfb, "-displayfd", str(writer), "-noreset"]
            command += ["-nolisten", "tcp", "-screen", "0", "1024x768x24"]
            log = directory / "xvfb.log"
            server = Program(command, log, {"PATH": PATH}, pass_fds=[writer])
        finally:
            os.close(writer)
        readable, _, _ = select.select([numbers], [], [], _XVFB_SECONDS)
        number = numbers.readline().strip() if readable else ""
    if not number:
        server.stop()
        raise AssertionError(f"Xvfb did not start:\n{server.log}")
    return server, f":{number}"
