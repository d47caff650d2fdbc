"""What the service manager is told, as sd_notify(3) has it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

from twisted.logger import Logger

_log = Logger(namespace="vdproxy")


class Notifier:
    """Sends datagrams to the socket that *environ* names, none if it names none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        path = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{path[1:]}" if path.startswith("@") else path
        #: Seconds between two signs of life that are wanted, 0 for none.
        self.interval = 0.0
        if environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
            self.interval = int(environ.get("WATCHDOG_USEC", "0")) / 2 / 1_000_000

    def ready(self, status: str) -> None:
        """Tell that all is served, and in a line how things stand."""
        self._tell("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Tell that the configuration is read anew; ``ready`` ends that."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={now}")

    def stopping(self) -> None:
        """Tell that the end has begun."""
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """Tell that the reactor turns."""
        self._tell("WATCHDOG=1")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            _log.warn("cannot tell {line}: {error}", line=lines[0], error=error)
