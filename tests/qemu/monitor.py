"""A QMP client under a test's hand."""

from __future__ import annotations

import json
import select
import socket
from pathlib import Path
from typing import Any

_SECONDS = 10.0


class Monitor:
    """
    A connection to QEMU's monitor.

    ``events`` are those that have come, as far as anybody has looked.
    """

    def __init__(self, path: Path) -> None:
        self._events: list[dict[str, Any]] = []
        self._connection = socket.socket(socket.AF_UNIX)
        try:
            self._connection.settimeout(_SECONDS)
            self._connection.connect(str(path))
            self._buffer = b""
            self._receive()
            self.execute("qmp_capabilities")
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that have come, in order."""
        while b"\n" in self._buffer or select.select([self._connection], [], [], 0)[0]:
            self._events.append(self._receive())
        return self._events

    def execute(self, command: str, **arguments: object) -> Any:
        """Give a command and return what it returns."""
        request = {"execute": command, "arguments": arguments}
        self._connection.sendall(json.dumps(request).encode())
        while True:
            answer = self._receive()
            if "event" in answer:
                self._events.append(answer)
                continue
            if "QMP" in answer:
                raise ConnectionResetError("QEMU was still starting, and greets anew")
            assert "return" in answer, f"{command} -> {answer}"
            return answer["return"]

    def _receive(self) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            data = self._connection.recv(65536)
            if not data:
                raise ConnectionError("QEMU has closed its monitor")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)
