"""
The yardstick: what Twisted alone takes to carry bytes between two Unix sockets.

Each client has a connection to the guest of its own, and each pauses the other while
it is full, as in twisted.protocols.portforward. With ``--broadcast`` there is one,
whose bytes go to all clients. With ``--wide`` blocks are as large as vdproxy's. With
``--messages`` they are read into messages as well and cut into chunks again, by
vdproxy's own reader and without anything else of it; with ``--headers`` the headers of
chunks are checked, which pass as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor as _reactor  # noqa: TID251 - it is a program
from twisted.internet.endpoints import UNIXClientEndpoint, UNIXServerEndpoint
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from vdproxy.hub.transport import widen
from vdproxy.service.allocator import keep_some_memory
from vdproxy.wire.chunk import (
    CHUNK_HEADER,
    GUEST_FRAMING,
    ChunkReader,
    CutMessage,
    RawMessage,
)
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import MAX_SKIPPED

reactor: Any = _reactor


class End(Protocol):
    """One end of a relayed connection; *opened* is called with it."""

    transport: Any

    def __init__(self, opened: Callable[[End], None]) -> None:
        self.others: list[End] = []
        self._opened = opened

    def connectionMade(self) -> None:
        self._opened(self)

    def dataReceived(self, data: bytes) -> None:
        for other in self.others:
            other.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        for other in self.others:
            other.transport.loseConnection()


class WideEnd(End):
    """An end that reads and writes as vdproxy does."""

    def connectionMade(self) -> None:
        widen(self.transport)
        super().connectionMade()


class MessagesEnd(WideEnd):
    """An end that carries whole messages."""

    def connectionMade(self) -> None:
        codec = Codec()
        self._reader = ChunkReader(GUEST_FRAMING, codec.limit, codec.data_offset)
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        self._reader.receive_data(data)
        while (event := self._reader.next_event()) is not None:
            assert isinstance(event, RawMessage), "larger than vdproxy takes"
            cut = CutMessage(event.number, event.payload, event.port, event.data)
            for write in cut:
                super().dataReceived(write)


class HeadersEnd(WideEnd):
    """An end that carries chunks, of which it has seen the headers."""

    def connectionMade(self) -> None:
        self._left = 0
        self._held = b""
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        data = self._held + data
        at, end = self._left, len(data)
        while at + CHUNK_HEADER.size <= end:
            port, size = CHUNK_HEADER.unpack_from(data, at)
            assert port in (1, 2), "no port of QEMU's"
            assert size <= MAX_SKIPPED, "larger than vdproxy takes"
            at += CHUNK_HEADER.size + size
        self._held, self._left = data[at:], max(0, at - end)
        super().dataReceived(data[:at])


#: What makes an end.
Kind = Callable[[Callable[[End], None]], End]


#: By the option that asks for it.
KINDS: dict[str, Kind] = {
    "bare": End,
    "wide": WideEnd,
    "messages": MessagesEnd,
    "headers": HeadersEnd,
}


class Ends(Factory):
    """Makes the ends of one side."""

    noisy = False

    def __init__(self, opened: Callable[[End], None], kind: Kind) -> None:
        self._opened = opened
        self._kind = kind

    def buildProtocol(self, addr: IAddress | None) -> End:
        return self._kind(self._opened)


def join(one: End, other: End) -> None:
    """Carry bytes between two ends, at the pace of the slower."""
    one.others, other.others = [other], [one]
    one.transport.registerProducer(other.transport, True)
    other.transport.registerProducer(one.transport, True)
    one.transport.resumeProducing()


def relay(guest: UNIXClientEndpoint, kind: Kind) -> Ends:
    """Return what gives each client a connection to the guest."""

    def opened(client: End) -> None:
        client.transport.pauseProducing()
        guest.connect(Ends(lambda end: join(client, end), kind))

    return Ends(opened, kind)


def broadcast(guest: UNIXClientEndpoint, kind: Kind) -> Ends:
    """Return what gives all clients the bytes of one connection to the guest."""
    source: list[End] = []
    guest.connect(Ends(source.append, kind))
    return Ends(lambda client: source[0].others.append(client), kind)


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("guest", help="path of the guest's socket")
    parser.add_argument("clients", help="path to listen on")
    parser.add_argument("--broadcast", action="store_true")
    for name in KINDS:
        parser.add_argument(
            f"--{name}", dest="kind", action="store_const", const=name, default="bare"
        )
    options = parser.parse_args()
    if options.kind != "bare":
        keep_some_memory()
    guest = UNIXClientEndpoint(reactor, options.guest)
    kind = KINDS[options.kind]
    clients = (broadcast if options.broadcast else relay)(guest, kind)
    UNIXServerEndpoint(reactor, options.clients, backlog=2048).listen(clients)
    reactor.run()


if __name__ == "__main__":
    main()
