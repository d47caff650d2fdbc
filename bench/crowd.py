"""Many VMs at once: their guests, what serves them or does nothing, and clients."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

from bench import stand
from bench.relays import CLIENTS, GUEST, configuration, daemon, numbered
from bench.speech import connect
from tests.peers.programs import helper
from vdproxy.net.simulated_agent import SimulatedAgent

#: Writes what a program needs into a directory; returns what runs it there.
Command = Callable[[Path], list[str]]

_BACKLOG = 2048

#: An application that tells the time to whoever connects, and does nothing else.
_EMPTY = f"""
from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import Application
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.protocols.wire import Time

application = Application("empty")
endpoint = serverFromString(reactor, "unix:{CLIENTS}")
service = StreamServerEndpointService(endpoint, Factory.forProtocol(Time))
service.setServiceParent(application)
"""


@contextmanager
def stage(vms: int = 1) -> Iterator[Path]:
    """Yield a directory in which so many VMs have a guest, which does as it is told."""
    with stand.directory() as folder, helper(_guests, folder, vms) as guests:
        guests.recv()
        yield folder


def vdproxy(vms: int) -> Command:
    """Return what has vdproxy serve so many VMs."""

    def command(directory: Path) -> list[str]:
        (directory / "vm.ini").write_text(configuration(vms))
        return daemon()

    return command


def bare(_: Path) -> list[str]:
    """Return what has Twisted copy bytes for the first VM."""
    return [sys.executable, "-m", "bench.bare", GUEST, CLIENTS]


def empty(directory: Path) -> list[str]:
    """Return what runs twistd with nothing to do but to tell the time."""
    (directory / "empty.tac").write_text(_EMPTY)
    twistd = Path(sys.executable).parent / "twistd"
    return [str(twistd), "-n", "--pidfile=", "-y", "empty.tac"]


@contextmanager
def clients(directory: Path, vms: int, count: int) -> Iterator[None]:
    """Connect so many clients, spread over the VMs: they announce themselves."""
    with helper(_clients, directory, vms, count) as clients:
        clients.recv()
        yield


def _clients(directory: Path, vms: int, count: int, parent: Connection) -> None:
    with ExitStack() as stack:
        for number in range(count):
            connection, _ = connect(directory / numbered(CLIENTS, number % vms))
            stack.enter_context(connection)
        parent.send("connected")
        parent.poll(None)


class _Guest(asyncio.Protocol):
    """One life of a guest's agent, which begins when a host connects."""

    def __init__(self) -> None:
        self._agent = SimulatedAgent()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.data_received(b"")

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._agent.receive_data(data))


def _guests(directory: Path, vms: int, parent: Connection) -> None:
    asyncio.run(_serve(directory, vms, parent))


async def _serve(directory: Path, vms: int, parent: Connection) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for vm in range(vms):
        path = directory / numbered(GUEST, vm)
        await loop.create_unix_server(_Guest, path, backlog=_BACKLOG)
    loop.add_reader(parent.fileno(), over.set)
    parent.send("listens")
    await over.wait()
