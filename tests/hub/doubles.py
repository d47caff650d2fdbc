"""
A hub on a clock of its own, with scripted ends that speak bytes through it.

The ends read and write with the wire layer alone, so what the hub says to them
is what a peer would see.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from tests.link.frames import LINUX
from vdproxy.handlers.capabilities import CapabilitiesHandler
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.hub.handler import Handler
from vdproxy.hub.hub import Hub
from vdproxy.hub.isolation import Installed
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.chunk import GUEST_FRAMING, ChunkReader, CutMessage, RawMessage
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import AnnounceCapabilities, Message

#: What spice-gtk announces.
GTK = Capabilities.of(0, 1, 2, 4, 5, 6, 12, 14, 16, 17).bits


@dataclass(frozen=True, slots=True)
class Ping(Message):
    """A third party's message type: bytes that the protocol knows nothing of."""

    data: bytes

    number: ClassVar[int] = 200
    max_size: ClassVar[int] = 4 * 1024 * 1024

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        if payload.startswith(b"bad"):
            raise ValueError("begins badly")
        return cls(payload)

    def encode(self, layout: Layout) -> bytes:
        return self.data


#: The capability bit that the third party uses for it.
PINGS = Capabilities.of(40)


class FakeTransport:
    """
    Records what is written, and tells its producer to hold on while *full*.

    ``room`` makes it full by itself once so many bytes have been written.
    """

    def __init__(self, *, full: bool = False, room: int | None = None) -> None:
        self.written = bytearray()
        self.producer: Any = None
        self.reading = True
        self.losing = False
        self.aborted = False
        self._full = full
        self._room = room

    def write(self, data: bytes) -> None:
        assert isinstance(data, bytes)
        self.written += data
        if self._room is not None and len(self.written) >= self._room:
            self.fill()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert self.producer is None
        assert streaming
        self.producer = producer
        if self._full:
            producer.pauseProducing()

    def unregisterProducer(self) -> None:
        self.producer = None

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True

    def loseConnection(self) -> None:
        self.losing = True

    def abortConnection(self) -> None:
        self.aborted = True

    def fill(self) -> None:
        self._full = True
        if self.producer is not None:
            self.producer.pauseProducing()

    def drain(self, room: int | None = None) -> None:
        """Have room again, for *room* bytes or for any number."""
        self._full = False
        self._room = None if room is None else len(self.written) + room
        if self.producer is not None:
            self.producer.resumeProducing()


class End:
    """A scripted peer; ``told`` is what the hub has announced to it."""

    peer: Any

    def __init__(self, codec: Codec, word: int) -> None:
        self.codec = codec
        self.capabilities = Capabilities(word)
        self.told = Capabilities()
        self.transport = FakeTransport()
        self._begin()

    @property
    def layout(self) -> Layout:
        return Layout.between(self.capabilities, self.told)

    def _begin(self) -> None:
        self._reader = ChunkReader(GUEST_FRAMING, self.codec.limit, self.codec.is_bulk)
        self._read_up_to = 0

    def feed(self, data: bytes, *, one_by_one: bool = False) -> None:
        """Have the hub read these bytes."""
        if one_by_one:
            for byte in data:
                self.peer.receive_data(bytes([byte]))
        else:
            self.peer.receive_data(data)

    def spell(self, *messages: Message, port: int = 1) -> bytes:
        """Return these messages as this end would send them."""
        return b"".join(
            b"".join(CutMessage(m.number, self.codec.encode(m, self.layout), port))
            for m in messages
        )

    def say(self, *messages: Message, port: int = 1, one_by_one: bool = False) -> None:
        self.feed(self.spell(*messages, port=port), one_by_one=one_by_one)

    def announce(self, request: int, word: int | None = None) -> None:
        if word is not None:
            self.capabilities = Capabilities(word)
        self.say(AnnounceCapabilities(request, self.capabilities.to_words()))

    def heard(self) -> list[Message]:
        """Return what the hub has said since this was asked last."""
        return [message for message, _ in self.heard_on_ports()]

    def heard_on_ports(self) -> list[tuple[Message, int]]:
        self._reader.receive_data(bytes(self.transport.written[self._read_up_to :]))
        self._read_up_to = len(self.transport.written)
        heard = []
        while (raw := self._reader.next_event()) is not None:
            assert isinstance(raw, RawMessage)
            message = self.codec.decode(raw, self.layout)
            if isinstance(message, AnnounceCapabilities):
                self.told = message.capabilities
            heard.append((message, raw.port))
        assert not self._reader.unfinished, "half a message was sent"
        return heard


class GuestEnd(End):
    """An agent behind the guest's port."""

    def __init__(self, hub: Hub, codec: Codec) -> None:
        super().__init__(codec, LINUX)
        self.peer = hub.guest

    def connect(self, transport: FakeTransport | None = None) -> None:
        self.transport = transport or FakeTransport()
        self._begin()
        self.peer.connected(self.transport)

    def come_up(self, word: int = LINUX) -> list[Message]:
        """Connect and answer; return what is said then, the rest counts as heard."""
        self.connect()
        self.heard()
        self.announce(0, word)
        return self.heard()

    def start_anew(self, word: int = LINUX) -> list[Message]:
        """Be a new agent on the old connection, and up; return what is said then."""
        self.announce(1, word)
        self.heard()
        self.announce(0, word)
        return self.heard()

    def leave(self, reason: str = "gone") -> None:
        self.transport.losing = True
        self.peer.disconnected(reason)


class ClientEnd(End):
    """A client of the hub."""

    def __init__(
        self,
        hub: Hub,
        codec: Codec,
        word: int,
        *,
        frontend: str = "vdi",
        name: str = "",
        transport: FakeTransport | None = None,
    ) -> None:
        super().__init__(codec, word)
        self.transport = transport or FakeTransport()
        self.peer = hub.attach(self.transport, frontend, name, 1000)

    def negotiate(self) -> None:
        """Answer the hub's question; what was said up to then counts as heard."""
        self.heard()
        self.announce(0)
        self.heard()

    def leave(self, reason: str = "gone") -> None:
        self.transport.losing = True
        if self.transport.producer is not None:
            self.transport.producer.stopProducing()
        self.peer.disconnected(reason)


class World:
    """A hub with its handlers started, a guest that may come, and clients."""

    def __init__(
        self, *handlers: Handler, negotiator: Handler | None = None, **options: Any
    ) -> None:
        self.clock = Clock()
        self.negotiator = negotiator or CapabilitiesHandler()
        installed = [Installed("capabilities", self.negotiator, None)]
        installed += [
            Installed(type(handler).__name__, handler, None) for handler in handlers
        ]
        self.hub = Hub("one", self.clock, installed, **options)
        self.hub.start()
        extra = [m for handler in handlers for m in handler.messages]
        self._codec = Codec(extra)
        self.guest = GuestEnd(self.hub, self._codec)

    def client(self, word: int = GTK, **options: Any) -> ClientEnd:
        """Return a client that has connected."""
        return ClientEnd(self.hub, self._codec, word, **options)

    def ready_client(self, word: int = GTK, **options: Any) -> ClientEnd:
        """Return a client that has connected and answered."""
        client = self.client(word, **options)
        client.negotiate()
        return client

    def wait(self, seconds: float) -> None:
        """Let time pass, in steps small enough for every timer."""
        for _ in range(round(seconds / 0.125)):
            self.clock.advance(0.125)


def up_world(*handlers: Handler, **options: Any) -> World:
    """Return a world whose agent, the Linux one, is up."""
    world = World(*handlers, **options)
    world.guest.come_up()
    return world


def monitors_world(**options: Any) -> World:
    return up_world(MonitorsHandler(), **options)


class Recorder(Handler):
    """Owns some message types and records what it is told, by method name."""

    def __init__(
        self,
        *messages: type[Message],
        relayed: Capabilities | None = None,
        provided: Capabilities | None = None,
    ) -> None:
        self.messages = messages
        self.relayed = relayed or Capabilities()
        self.provided = provided or Capabilities()
        self.calls: list[tuple[Any, ...]] = []
        self.vm: Any = None

    def _note(self, *call: Any) -> None:
        self.calls.append(call)

    def start(self, vm: Any) -> None:
        self.vm = vm
        self._note("start")

    def stop(self) -> None:
        self._note("stop")

    def guest_up(self, capabilities: Capabilities) -> None:
        self._note("guest_up", capabilities)

    def guest_lost(self) -> None:
        self._note("guest_lost")

    def client_ready(self, client: Any) -> None:
        self._note("client_ready", client)

    def client_left(self, client: Any) -> None:
        self._note("client_left", client)

    def received(self, peer: Any, message: Message) -> None:
        self._note("received", peer, message)

    def dropped(self, peer: Any, message: Message, reason: str) -> None:
        self._note("dropped", peer, message, reason)

    def told(self, *names: str) -> list[tuple[Any, ...]]:
        """Return the calls of these methods, all if none is named."""
        return [call for call in self.calls if not names or call[0] in names]

    def forget(self) -> None:
        self.calls.clear()


class Relay(Recorder):
    """Sends what a client says to the guest, and what the guest says to all."""

    def received(self, peer: Any, message: Message) -> None:
        super().received(peer, message)
        if peer is not self.vm.guest:
            self.vm.guest.send(message, source=peer)
            return
        for client in self.vm.clients:
            client.send(message)


class Raises(Recorder):
    """Records like a Recorder, and raises in the methods named in ``broken``."""

    def __init__(self, *messages: type[Message], **options: Any) -> None:
        self.broken: set[str] = set(options.pop("broken", ()))
        self.error: Exception = options.pop("error", RuntimeError("a secret"))
        super().__init__(*messages, **options)

    def _note(self, *call: Any) -> None:
        super()._note(*call)
        if call[0] in self.broken:
            raise self.error


class Lines(list[Any]):
    """Log events, and the lines that they would be in a log file."""

    @property
    def texts(self) -> list[str]:
        return [formatEvent(event) for event in self]

    @property
    def all_there_is(self) -> str:
        """Everything an observer could find, in one text."""
        return "\n".join(self.texts + [repr(dict(event)) for event in self])

    def having(self, text: str) -> Lines:
        return Lines(event for event in self if text in formatEvent(event))


@contextmanager
def logged() -> Iterator[Lines]:
    """Collect what is logged; what the clock brings later is not in it."""
    lines = Lines()
    with capturedLogs() as events:
        yield lines
        lines += events
