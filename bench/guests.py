"""Guests, each a process of its own behind a socket where QEMU's would be."""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

from bench.speech import (
    CAPABILITIES,
    GRAB,
    NOTHING,
    PATIENCE,
    REQUEST,
    by_guest,
    copied,
    grab_anew,
    grabs,
    mouse,
    read,
    read_all,
)
from tests.peers.rawclient import RawClient
from vdproxy.wire.constants import FileXferStatusResult
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    ClipboardGrab,
    FileXferStart,
    FileXferStatus,
)

_CAN_SEND = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA
_SUCCESS = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS

_BLOCK = 1024 * 1024


@contextmanager
def _host(path: Path, parent: Connection) -> Iterator[tuple[socket.socket, RawClient]]:
    """
    Wait at *path* for a host and answer its question; talk until it has gone.

    The parent is told when one may connect.
    """
    with listening(path) as listener:
        parent.send("listens")
        connection, _ = listener.accept()
    with connection, suppress(EOFError, ConnectionError):
        yield connection, meet(connection)


def listening(path: Path) -> socket.socket:
    """Return a socket that listens at *path*."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


def meet(connection: socket.socket) -> RawClient:
    """Answer a host's question; return what understands it."""
    host = RawClient(connection)
    host.expect(AnnounceCapabilities, PATIENCE)
    host.announce(0, CAPABILITIES)
    connection.settimeout(None)
    return host


def clipboard(path: Path, size: int, parent: Connection) -> None:
    """
    Have so many bytes in the clipboard, and others whenever they were pasted.

    A GRAB follows each answer, so that nobody has the next one in store.
    """
    speech = bytearray(by_guest(copied(size)) + GRAB)
    buffer = bytearray(len(REQUEST))
    with _host(path, parent) as (connection, _):
        connection.sendall(GRAB)
        serial = 0
        while True:
            read(connection, len(REQUEST), buffer)
            serial += 1
            grab_anew(speech, serial)
            connection.sendall(speech)


def files(path: Path, size: int, parent: Connection) -> None:
    """Take files whose data are so many bytes on the wire, one after the other."""
    buffer = bytearray(_BLOCK)
    with _host(path, parent) as (connection, host):
        while (start := host.receive(None)) is not None:
            if isinstance(start, FileXferStart):
                connection.sendall(by_guest(FileXferStatus(start.id, _CAN_SEND)))
                read(connection, size, buffer)
                connection.sendall(by_guest(FileXferStatus(start.id, _SUCCESS)))


def slow_files(path: Path, size: int, rate: int, parent: Connection) -> None:
    """Take one file whose data are so many bytes on the wire, so many in a second."""
    buffer = bytearray(_BLOCK)
    with _host(path, parent) as (connection, host):
        start = host.expect(FileXferStart, PATIENCE)
        connection.sendall(by_guest(FileXferStatus(start.id, _CAN_SEND)))
        began = time.monotonic()
        for taken in range(0, size, _BLOCK):
            time.sleep(max(0.0, began + taken / rate - time.monotonic()))
            read(connection, min(_BLOCK, size - taken), buffer)
        connection.sendall(by_guest(FileXferStatus(start.id, _SUCCESS)))
        parent.poll(None)


def pasting(path: Path, size: int, parent: Connection) -> None:
    """Ask for what is copied, so many bytes on the wire, and grab when it is in."""
    answer = bytearray(GRAB)
    grab_anew(answer, 1)
    with _host(path, parent) as (connection, host):
        host.expect(ClipboardGrab, PATIENCE)
        connection.sendall(REQUEST)
        read(connection, size, bytearray(_BLOCK))
        connection.sendall(answer)
        parent.poll(None)


def pointed_at(path: Path, count: int, parent: Connection) -> None:
    """Take so many states of the mouse, all and in order, and grab when they are in."""
    expected = mouse(count)
    buffer = bytearray(len(expected))
    speech = bytearray(GRAB)
    serial = 0
    with _host(path, parent) as (connection, _):
        while True:
            read_all(connection, buffer)
            assert buffer == expected, "the states are not as they were sent"
            connection.sendall(speech)
            serial += 1
            grab_anew(speech, serial)


def grabbed(path: Path, count: int, parent: Connection) -> None:
    """Take so many GRABs, all and in order, and ask for the data of the last."""
    buffer = bytearray(len(GRAB) * count)
    with _host(path, parent) as (connection, _):
        serial = 0
        while True:
            read_all(connection, buffer)
            assert buffer == grabs(serial, count), "the GRABs are not as they were sent"
            serial += count
            connection.sendall(REQUEST)
            read_all(connection, bytearray(len(NOTHING)))


def grabbing(path: Path, count: int, parent: Connection) -> None:
    """Grab so many times whenever there is a state of the mouse."""
    buffer = bytearray(len(mouse(1)))
    with _host(path, parent) as (connection, _):
        connection.sendall(GRAB)
        serial = 1
        while True:
            read_all(connection, buffer)
            speech = grabs(serial, count)
            serial += count
            connection.sendall(speech)


def many(paths: Sequence[Path], parent: Connection) -> None:
    """Be the guests of several VMs, each with a word in its clipboard."""
    speech = bytearray(by_guest(copied(16)) + GRAB)
    serials: Counter[socket.socket] = Counter()
    with ExitStack() as stack:
        listeners = [stack.enter_context(listening(path)) for path in paths]
        selector = stack.enter_context(selectors.DefaultSelector())
        parent.send("listens")
        for listener in listeners:
            connection = stack.enter_context(listener.accept()[0])
            meet(connection)
            connection.sendall(GRAB)
            selector.register(connection, selectors.EVENT_READ)
        selector.register(parent, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                guest = key.fileobj
                if not isinstance(guest, socket.socket) or not guest.recv(len(REQUEST)):
                    return
                serials[guest] += 1
                grab_anew(speech, serials[guest])
                guest.sendall(speech)
