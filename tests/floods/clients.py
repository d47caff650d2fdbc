"""Clients that say as much as they can."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable, Iterator
from math import inf
from pathlib import Path

from tests.peers.rawclient import RawClient
from vdproxy.wire.chunk import CutMessage
from vdproxy.wire.constants import Capability
from vdproxy.wire.messages import AnnounceCapabilities, Message

#: How long anything may take, seconds.
PATIENCE = 30.0

_CAPABILITIES = (
    Capability.VD_AGENT_CAP_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_REPLY,
    Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND,
    Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION,
)


def negotiated(path: Path) -> tuple[RawClient, socket.socket]:
    """Return a client that takes part, and its socket."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    client = RawClient(connection)
    client.expect(AnnounceCapabilities, PATIENCE)
    client.announce(1, [sum(1 << bit for bit in _CAPABILITIES)])
    client.expect(AnnounceCapabilities, PATIENCE)
    return client, connection


def spelled(client: RawClient, messages: Iterable[Message]) -> bytes:
    """Return what a client sends to say *messages*."""
    cut = (CutMessage(message.number, client.encode(message)) for message in messages)
    return b"".join(write for one in cut for write in one)


class Flood:
    """What a client has sent, and the bytes that it was answered with."""

    def __init__(self, connection: socket.socket) -> None:
        self.sent = 0
        self.answered = 0
        self.closed = False
        self._connection = connection

    def pour(
        self, batches: Iterator[bytes], seconds: float, answers: float = inf
    ) -> None:
        """
        Send as fast as it goes and read what comes.

        It ends when so many seconds have passed, when the other end has closed, or
        when all is sent and so many bytes of answers have come.
        """
        self._connection.setblocking(False)
        left = memoryview(b"")
        end = time.monotonic() + seconds
        while not self.closed and (now := time.monotonic()) < end:
            left = left or memoryview(next(batches, b""))
            if not left and self.answered >= answers:
                return
            writers = [self._connection] if left else []
            readable, writable, _ = select.select(
                [self._connection], writers, [], end - now
            )
            try:
                if readable:
                    self._read()
                if writable:
                    size = self._connection.send(left)
                    self.sent += size
                    left = left[size:]
            except (BrokenPipeError, ConnectionResetError):
                self.closed = True

    def _read(self) -> None:
        size = len(self._connection.recv(1 << 20))
        self.answered += size
        self.closed = not size
