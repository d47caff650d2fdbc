"""A guest's port that reads when the test does, and not before."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.model_agent import LINUX
from tests.peers.rawclient import RawClient
from vdproxy.wire.chunk import GUEST_FRAMING
from vdproxy.wire.messages import AnnounceCapabilities

#: How long anything may take, seconds.
PATIENCE = 20.0


class Port:
    """QEMU's end of the port: a Unix socket that one host at a time connects to."""

    def __init__(self, path: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._listener.settimeout(PATIENCE)

    def accept(self) -> RawClient:
        """Take the next host in, and be an agent that is up."""
        connection, _ = self._listener.accept()
        agent = RawClient(connection, GUEST_FRAMING)
        agent.expect(AnnounceCapabilities, PATIENCE)
        agent.announce(0, (LINUX,))
        return agent

    def idle(self) -> bool:
        """Tell whether no other host has come."""
        self._listener.settimeout(0)
        try:
            self._listener.accept()
        except BlockingIOError:
            return True
        finally:
            self._listener.settimeout(PATIENCE)
        return False

    def close(self) -> None:
        self._listener.close()


@contextmanager
def port(path: Path) -> Iterator[Port]:
    """Listen on *path*."""
    guest = Port(path)
    try:
        yield guest
    finally:
        guest.close()


def client(path: Path) -> RawClient:
    """Return a client that takes part."""
    ours = RawClient.connect(path)
    ours.expect(AnnounceCapabilities, PATIENCE)
    ours.announce(0, (0x1066,))
    return ours
