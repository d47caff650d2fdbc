"""
The model VM as this project's own tests have it.

Its peers show the bare link: they are given capabilities as an announcement's
word, read only when they are asked what they heard, and hear serials as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from tests.link.frames import LINUX
from vdproxy.handlers.capabilities import CapabilitiesHandler
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.hub.handler import Handler
from vdproxy.hub.hub import Hub
from vdproxy.testing import (
    SPICE_GTK,
    LoggedEvents,
    ModelAgent,
    ModelClient,
    ModelPeer,
    ModelTransport,
    ModelVM,
)
from vdproxy.testing import logged as logged
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import Message

GTK = SPICE_GTK.bits

FakeTransport = ModelTransport
Lines = LoggedEvents


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


class End(ModelPeer):
    """A bare peer."""

    def feed(self, data: bytes, *, one_by_one: bool = False) -> None:
        """Have the hub read these bytes."""
        pieces = [bytes([byte]) for byte in data] if one_by_one else [data]
        for piece in pieces:
            super().feed(piece)

    def say(self, *messages: Message, port: int = 1, one_by_one: bool = False) -> None:
        self.feed(self.spell(*messages, port=port), one_by_one=one_by_one)

    def announce(self, request: int, word: int | None = None) -> None:
        if word is not None:
            self.capabilities = Capabilities(word)
        super().announce(request)

    def heard(self) -> list[Message]:
        return [message for message, _ in self.heard_on_ports()]

    def heard_on_ports(self) -> list[tuple[Message, int]]:
        return list(self._arrived())

    def _catch_up(self) -> None:
        """Read nothing unasked."""


class GuestEnd(End, ModelAgent):
    """An agent behind the guest's port."""

    def come_up(self, word: int = LINUX) -> list[Message]:
        """Connect and answer; return what is said then, the rest counts as heard."""
        super().come_up(Capabilities(word))
        return self.heard()

    def start_anew(self, word: int = LINUX) -> list[Message]:
        """Be a new agent on the old connection, and up; return what is said then."""
        super().start_anew(Capabilities(word))
        return self.heard()


class ClientEnd(End, ModelClient):
    """A client of the hub."""

    def __init__(self, hub: Hub, codec: Codec, word: int, **options: Any) -> None:
        super().__init__(hub, codec, Capabilities(word), **options)

    def negotiate(self) -> None:
        """Answer the hub's question; what was said up to then counts as heard."""
        super().negotiate()
        self.heard()


class World:
    """A hub with its handlers started, a guest that may come, and clients."""

    def __init__(
        self, *handlers: Handler, negotiator: Handler | None = None, **options: Any
    ) -> None:
        self.negotiator = negotiator or CapabilitiesHandler()
        vm = ModelVM((self.negotiator, *handlers), name="one", builtin=False, **options)
        self.clock = vm.clock
        self.hub = vm.hub
        self.wait = vm.advance
        self._codec = vm.codec
        self.guest = GuestEnd(self.hub, self._codec)

    def client(self, word: int = GTK, **options: Any) -> ClientEnd:
        """Return a client that has connected."""
        return ClientEnd(self.hub, self._codec, word, **options)

    def ready_client(self, word: int = GTK, **options: Any) -> ClientEnd:
        """Return a client that has connected and answered."""
        client = self.client(word, **options)
        client.negotiate()
        return client


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
