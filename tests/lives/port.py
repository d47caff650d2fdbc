"""
The host's side of a virtio port as QEMU has it: a chardev socket and QMP.

What it does was measured: the socket shows nothing of the guest's end, what the host
sends to a closed port stays unread in it, and a host that leaves takes with it what
is still in the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tests.net.model_qemu import ModelQEMU

#: The most that QEMU reads at once from its host, bytes, and how many such blocks
#: there are between it and the guest.
_BLOCK = 4096
_BLOCKS = 128

#: QEMU tells of a change of the port at most so often, seconds.
_EVENT_SECONDS = 1.0


class Opener(Protocol):
    """Who has the port open in the guest."""

    def receive(self, data: bytes) -> None: ...
    def host_left(self) -> None: ...


class Hangups:
    """Tells of hosts that leave while nothing of theirs is read."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        self._told: dict[int, Callable[[], None]] = {}
        self._loop.add_reader(self._epoll.fileno(), self._ready)

    def close(self) -> None:
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def watch(self, host: socket.socket, tell: Callable[[], None]) -> None:
        self._told[host.fileno()] = tell
        self._epoll.register(host.fileno(), 0)

    def unwatch(self, host: socket.socket) -> None:
        if self._told.pop(host.fileno(), None):
            self._epoll.unregister(host.fileno())

    def _ready(self) -> None:
        for number, _ in self._epoll.poll(0):
            self._told[number]()


class Chardev:
    """
    The chardev at a Unix socket, one host at a time, with the port behind it.

    ``changed`` is called with whether the guest has its end open.
    """

    def __init__(
        self, path: Path, hangups: Hangups, changed: Callable[[bool], None]
    ) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._hangups = hangups
        self._changed = changed
        self._opener: Opener | None = None
        self._host: socket.socket | None = None
        self._to_host = b""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(8)
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener, self._accept)

    def shut(self) -> None:
        """End, as QEMU does."""
        self._drop_host()
        self._opener = None
        self._loop.remove_reader(self._listener)
        self._listener.close()
        self._path.unlink()

    def open(self, opener: Opener) -> None:
        """Open the guest's end, and have *opener* read what waits already."""
        assert self._opener is None
        self._opener = opener
        self._changed(True)
        self._listen_to_host()
        if self._host is not None:
            self._readable()

    def close(self, opener: Opener, lost: int = _BLOCKS) -> None:
        """
        Close the guest's end if *opener* has it.

        Of what the host has sent so many blocks are lost, with the virtqueue.
        """
        if self._opener is not opener:
            return
        self._opener = None
        for _ in range(lost if self._host is not None else 0):
            with contextlib.suppress(BlockingIOError, ConnectionResetError):
                self._host.recv(_BLOCK)
        self._changed(False)
        self._listen_to_host()

    def write(self, data: bytes) -> None:
        """Send to the host, or to the next one if there is none."""
        self._to_host += data
        if self._host is not None:
            self._writable()

    def _accept(self) -> None:
        self._host, _ = self._listener.accept()
        self._host.setblocking(False)
        self._loop.remove_reader(self._listener)
        self._writable()
        self._listen_to_host()

    def _listen_to_host(self) -> None:
        """Read from the host while somebody reads from the port."""
        if self._host is None:
            return
        if self._opener is not None:
            self._hangups.unwatch(self._host)
            self._loop.add_reader(self._host, self._readable)
        else:
            self._loop.remove_reader(self._host)
            self._hangups.watch(self._host, self._host_left)

    def _readable(self) -> None:
        assert self._host is not None
        assert self._opener is not None
        try:
            data = self._host.recv(_BLOCK)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        if data:
            self._opener.receive(data)
        else:
            self._host_left()

    def _writable(self) -> None:
        assert self._host is not None
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            self._to_host = self._to_host[self._host.send(self._to_host) :]
        if self._to_host:
            self._loop.add_writer(self._host, self._writable)
        else:
            self._loop.remove_writer(self._host)

    def _host_left(self) -> None:
        self._drop_host()
        self._loop.add_reader(self._listener, self._accept)
        if self._opener is not None:
            self._opener.host_left()

    def _drop_host(self) -> None:
        if self._host is not None:
            self._loop.remove_reader(self._host)
            self._loop.remove_writer(self._host)
            self._hangups.unwatch(self._host)
            self._host.close()
        self._host = None
        self._to_host = b""


class _Session(asyncio.Protocol):
    """One QMP connection, between a socket and a :class:`ModelQEMU`."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._said = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.qemu = ModelQEMU(self, self)
        self.qemu.open = self._monitor.port_open
        self._monitor.sessions.add(self)
        self.qemu.greet()

    def connection_lost(self, exc: Exception | None) -> None:
        self._monitor.sessions.discard(self)

    def data_received(self, data: bytes) -> None:
        self._said += data
        if self._said.endswith(b"\n") and "query-chardev" in self.qemu.serve():
            self._monitor.watched.set()

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)

    def value(self) -> bytes:
        return self._said


class Monitor:
    """
    QEMU's monitor, which tells late and merged when the port opens and closes.

    ``told_at`` are the loop's times at which it did, ``watched`` is set when somebody
    has asked how the port is.
    """

    def __init__(self, path: Path) -> None:
        self.port_open = False
        self.sessions: set[_Session] = set()
        self.told_at: list[float] = []
        self.watched = asyncio.Event()
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._last = float("-inf")
        self._late: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None

    async def serve(self) -> None:
        self._server = await self._loop.create_unix_server(
            lambda: _Session(self), self._path
        )

    def shut(self) -> None:
        """End, as QEMU does."""
        assert self._server is not None
        self._server.close()
        self._path.unlink()
        if self._late is not None:
            self._late.cancel()
        for session in self.sessions:
            session.transport.abort()

    def port_changed(self, opened: bool) -> None:
        """Take note of the port, and tell of it as soon as QEMU does."""
        self.port_open = opened
        for session in self.sessions:
            session.qemu.open = opened
        if self._late is None:
            due = self._last + _EVENT_SECONDS
            if due <= self._loop.time():
                self._tell()
            else:
                self._late = self._loop.call_at(due, self._tell)

    def _tell(self) -> None:
        self._late = None
        self._last = self._loop.time()
        self.told_at.append(self._last)
        for session in self.sessions:
            session.qemu.event("VSERPORT_CHANGE", id="vdport", open=self.port_open)
