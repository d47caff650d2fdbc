"""What the guest and a client have in common, for handlers and for the hub."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

from twisted.internet.interfaces import IReactorTime

from vdproxy.hub.log import VMLog
from vdproxy.hub.outbox import Outbox, Queue, Transport
from vdproxy.hub.trace import Trace
from vdproxy.link.client import ClientLink
from vdproxy.link.events import MessageReceived
from vdproxy.link.guest import GuestLink
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.chunk import ChunkHeader, CutMessage
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import Message


@dataclass(frozen=True)
class VMContext:
    """
    What all peers of one VM share.

    ``trace`` is None where nothing is traced.
    """

    clock: IReactorTime
    log: VMLog
    trace: Trace | None
    codec: Codec


#: Bytes read from a peer that is paused before its transport is paused as well.
_MAX_HELD = 256 * 1024


class Incoming(NamedTuple):
    """
    A message that is coming in: *received* of *size* payload bytes, the last of
    them at *last_byte* (seconds, by the VM's clock).
    """

    number: int
    received: int
    size: int
    last_byte: float


class Peer(ABC):
    """
    The guest or a client.

    ``name`` is what the configuration calls a client (empty where it does not),
    ``frontend`` the frontend it came through (empty for the guest), ``uid`` the
    user id of its process where the socket tells it.
    """

    name: str = ""
    frontend: str = ""
    uid: int | None = None

    def __init__(self, context: VMContext) -> None:
        self._context = context
        self._link: GuestLink | ClientLink | None = None
        self._outbox: Outbox | None = None
        self._transport: Transport | None = None
        self._last_byte = 0.0
        self._incoming: Incoming | None = None
        self._pauses = 0
        self._held = 0
        self._processing = False

    @property
    def label(self) -> str:
        """What log lines call this peer."""
        return self.name

    @property
    def traced_as(self) -> str:
        """What trace events call this peer: a client's label, empty for the guest."""
        return ""

    @property
    def offered(self) -> Capabilities | None:
        """What this peer was told that we can do, None before that."""
        return self._link.offered if self._link else None

    @property
    def announced(self) -> Capabilities | None:
        """What this peer said that it can do, None before that."""
        return self._link.announced if self._link else None

    def can(self, capability: int) -> bool:
        """Tell whether this peer has announced *capability*."""
        return self.announced is not None and capability in self.announced

    def agreed(self, capability: int) -> bool:
        """Tell whether this peer and we have announced *capability* to each other."""
        return self._link is not None and self._link.agreed(capability)

    @abstractmethod
    def send(self, message: Message) -> object:
        """Send *message* to this peer, see the guest's and the clients' own."""

    @property
    def assembling(self) -> Incoming | None:
        """The message that is coming in from this peer, None between messages."""
        return self._incoming

    @property
    def queued(self) -> int:
        """Bytes that wait for this peer to read."""
        return self._outbox.size if self._outbox else 0

    @property
    def paused(self) -> bool:
        """Whether nothing that this peer sends is acted upon for now."""
        return self._pauses > 0

    def pause(self) -> None:
        """
        Act on nothing more from this peer until ``resume`` was called as often.

        Up to 256 KiB of it are still read, so that its end does not go unnoticed.
        """
        self._pauses += 1

    def resume(self) -> None:
        """Take one ``pause`` back, if there is one."""
        if not self._pauses:
            return
        self._pauses -= 1
        if self._pauses:
            return
        if self._held > _MAX_HELD and self._transport is not None:
            self._transport.resumeProducing()
        self._held = 0
        self.process_events()

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes from the peer."""
        if self._link is not None and self._outbox is not None:
            self._last_byte = self._context.clock.seconds()
            self._link.receive_data(data)
            if self._pauses:
                self._hold(len(data))
            else:
                self.process_events()
            self._note_incoming()

    def _note_incoming(self) -> None:
        """Take note of how much of a message has come, and when it grew."""
        assembling = self._link.assembling if self._link else None
        if assembling is None:
            self._incoming = None
        elif self._incoming is None or self._incoming[:3] != tuple(assembling):
            self._incoming = Incoming(*assembling, self._last_byte)

    def _hold(self, size: int) -> None:
        """Count what came during a pause, and read no more than enough of it."""
        before, self._held = self._held, self._held + size
        if before <= _MAX_HELD < self._held and self._transport is not None:
            self._transport.pauseProducing()

    def process_events(self) -> None:
        """Act on what the peer has done so far, one thing after the other."""
        if self._processing:
            return
        link = self._link
        self._processing = True
        try:
            while link is not None and self._listens_to(link):
                event = link.next_event()
                if event is None:
                    break
                if isinstance(event, (ChunkHeader, MessageReceived)):
                    self._trace(event)
                else:
                    self._handle(event)
        finally:
            self._processing = False
        self._flush()

    def _listens_to(self, link: GuestLink | ClientLink) -> bool:
        return link is self._link and self._outbox is not None and not self._pauses

    @abstractmethod
    def _handle(self, event: Any) -> None:  # noqa: ANN401 - an event of its link
        """Act on what the link reports."""

    def _open(self, transport: Transport, queue: Queue) -> None:
        self._transport = transport
        self._outbox = Outbox(transport, queue, self._queue_changed)
        if self._context.trace:
            self._context.trace.opened(self.traced_as)

    def _close(self) -> None:
        self._transport = self._outbox = self._link = self._incoming = None
        self._held = self._pauses = 0
        if self._context.trace:
            self._context.trace.closed(self.traced_as)

    def _trace_sent(self, message: CutMessage) -> None:
        if self._context.trace:
            self._context.trace.sent(
                self.traced_as, message.number, message.payload_size
            )

    @abstractmethod
    def _flush(self) -> None:
        """Send what the link itself has to say."""

    def _trace(self, header: ChunkHeader | MessageReceived) -> None:
        if not self._context.trace:
            return
        if isinstance(header, ChunkHeader):
            self._context.trace.chunk(self.traced_as, header.size)
        else:
            self._context.trace.received(self.traced_as, header.number, header.size)

    @abstractmethod
    def _queue_changed(self) -> None:
        """Take note that more or less waits for this peer."""
