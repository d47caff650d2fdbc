"""Bulk: clipboard data out of the guest, and files into it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from bench import guests
from bench.race import Figures, Goal, Race
from bench.relays import Relay, Starter
from bench.speech import (
    GRAB,
    PATIENCE,
    REQUEST,
    by_guest,
    by_host,
    connect,
    copied,
    read,
)
from bench.stand import CONTESTANTS, Round, race, standing
from tests.peers.rawclient import RawClient
from tests.peers.usage import cpu_seconds_of
from vdproxy.wire.constants import FileXferStatusResult
from vdproxy.wire.messages import (
    ClipboardGrab,
    FileXferData,
    FileXferStart,
    FileXferStatus,
)

KIB = 1024
MIB = 1024 * KIB

#: Bytes that a round carries, and the pastes that it is at most.
_CARRIED = 192 * MIB
_PASTES = 1000

#: Data of a message, and the name, of what is pushed.
BLOCK = 64 * KIB
FILE = "file"
_SUCCESS = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS

_GOALS = (
    Goal("MB/s", "vdproxy", of="socat", at_least=1.2),
    Goal("MB/s", "vdproxy", of="bare", at_least=0.8),
)


@contextmanager
def pasted(starter: Starter, size: int) -> Iterator[tuple[Relay, Callable[[], None]]]:
    """Yield what pastes so many bytes from the guest, and its relay."""
    with standing(starter, guests.clipboard, size) as relay:
        connection, client = connect(relay.clients)
        with connection:
            client.expect(ClipboardGrab, PATIENCE)
            message = copied(size)
            coming = len((by_host if relay.cuts else by_guest)(message)) + len(GRAB)
            if relay.cuts:
                connection.sendall(REQUEST)
                assert client.receive(PATIENCE) == message, "it is not what was copied"
                client.expect(ClipboardGrab, PATIENCE)
            buffer = bytearray(MIB)

            def paste() -> None:
                connection.sendall(REQUEST)
                read(connection, coming, buffer)

            yield relay, paste


@contextmanager
def pasting(starter: Starter, size: int) -> Iterator[Round]:
    """Paste so many bytes from the guest, one time after the other."""
    times = min(max(1, _CARRIED // size), _PASTES)
    with pasted(starter, size) as (relay, paste):

        def work() -> None:
            for _ in range(times):
                paste()

        yield partial(_timed, relay, times * size, work)


@contextmanager
def pushed(
    starter: Starter, blocks: int, *, at_once: int = 1
) -> Iterator[tuple[Relay, Callable[[], None]]]:
    """Yield what pushes a file of so many blocks of 64 KiB, and its relay."""
    with standing(starter, guests.files, on_the_wire(blocks)) as relay:
        connection, client = connect(relay.clients)
        with connection:
            yield relay, pusher(connection, client, blocks, at_once=at_once)


def on_the_wire(blocks: int) -> int:
    """Return the bytes of a file of so many blocks, in chunks."""
    return blocks * len(by_host(FileXferData(1, bytes(BLOCK))))


def pusher(
    connection: socket.socket, client: RawClient, blocks: int, *, at_once: int = 1
) -> Callable[[], None]:
    """Return what pushes a file, so many blocks in a write."""
    start = by_host(FileXferStart(1, FILE, blocks * BLOCK))
    speech = by_host(FileXferData(1, bytes(BLOCK))) * at_once

    def push() -> None:
        connection.sendall(start)
        client.expect(FileXferStatus, PATIENCE)
        for _ in range(blocks // at_once):
            connection.sendall(speech)
        ended = client.expect(FileXferStatus, PATIENCE)
        assert ended.result == _SUCCESS, ended

    return push


@contextmanager
def pushing(starter: Starter) -> Iterator[Round]:
    """Push one large file into the guest after the other."""
    with pushed(starter, _CARRIED // BLOCK, at_once=16) as (relay, push):
        yield partial(_timed, relay, _CARRIED, push)


def _timed(relay: Relay, size: int, work: Callable[[], None]) -> Figures:
    """Return what comes of carrying so many bytes by *work*."""
    used = cpu_seconds_of(relay.pid) if relay.pid else 0.0
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    figures = {"MB/s": size / 1e6 / took}
    if relay.pid:
        figures["CPU s/GB"] = (cpu_seconds_of(relay.pid) - used) / size * 1e9
    return figures


def run(rounds: int) -> Iterator[Race]:
    """Measure pastes of 64 KiB, 1 MiB and 100 MB from the guest, and a pushed file."""
    for name, size in (
        ("64 KiB", 64 * KIB),
        ("1 MiB", MIB),
        ("100 MB", 100_000_000),
    ):
        work = f"paste of {name}"
        yield race(work, partial(pasting, size=size), rounds, CONTESTANTS, goals=_GOALS)
    yield race("file push", pushing, rounds, CONTESTANTS, goals=_GOALS)
