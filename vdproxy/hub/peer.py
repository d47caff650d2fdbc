"""What the guest and a client have in common, for handlers and for the hub."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.interfaces import IDelayedCall

from vdproxy.hub.budget import Holding
from vdproxy.hub.context import PeerOwner, VMContext
from vdproxy.hub.fair_queue import Queued, Source
from vdproxy.hub.intake import Intake, Pace
from vdproxy.hub.line import Line, Sending
from vdproxy.hub.outbox import Outbox, Queue
from vdproxy.hub.transport import Transport, widen
from vdproxy.hub.verdicts import Dropped, Outcome, Pending
from vdproxy.link.client import ClientLink
from vdproxy.link.events import MessageReceived
from vdproxy.link.guest import GuestLink
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.chunk import ChunkHeader, CutMessage
from vdproxy.wire.messages import AnnounceCapabilities, Message


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

    _owner: PeerOwner

    def __init__(self, context: VMContext) -> None:
        self._context = context
        self._line = Line(self)
        self._judging: Pending | None = None
        self._in_question: Message | None = None
        self._deadline: IDelayedCall | None = None
        self._offering: Pending | None = None
        self._link: GuestLink | ClientLink | None = None
        self._outbox: Outbox | None = None
        self._transport: Transport | None = None
        self._last_byte = 0.0
        self._incoming: Incoming | None = None
        self._intake = Intake(context.clock, context.share, self._take_turn)
        self._pace: Pace | None = None
        self._pauses = 0
        self._processing = False
        #: What is held of what it has sent, and of what it is sent.
        self._received = Holding(context.share)
        self._waiting = Holding(context.share)
        #: Payload bytes of what is in question, if it is large.
        self._questioned = 0

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
        announced = self.announced
        return announced is not None and capability in announced

    def agreed(self, capability: int) -> bool:
        """Tell whether this peer and we have announced *capability* to each other."""
        return self._link is not None and self._link.agreed(capability)

    @abstractmethod
    def send(self, message: Message, source: Peer | None = None) -> Sending | None:
        """
        Send *message* to this peer, on behalf of *source*, when the filters let it.

        None is returned where there is nobody to send it to.

        :raises LocalProtocolError: the message cannot be told to this peer.
        """

    def check(self, message: Message) -> None:
        """Raise LocalProtocolError unless *message* can be told on this link."""
        if self._link is not None:
            self._link.check(message)

    @property
    def assembling(self) -> Incoming | None:
        """The message that is coming in from this peer, None between messages."""
        return self._incoming

    @property
    def in_question(self) -> Message | None:
        """What this peer has sent that filters take their time over."""
        return self._in_question

    @property
    def queued(self) -> int:
        """Bytes that wait for this peer to read."""
        return self._outbox.size if self._outbox else 0

    @property
    def paused(self) -> bool:
        """Whether nothing that this peer sends is acted upon for now."""
        return self._pauses > 0 or self._judging is not None

    @property
    def gives_way(self) -> bool:
        """Whether others have their turn before more that has come is acted upon."""
        return self._intake.gives_way

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
        self._go_on()

    def _go_on(self) -> None:
        """Act on what has come meanwhile, if nothing keeps this peer paused."""
        if self.paused:
            return
        self._intake.release()
        self._take_turn()

    def _take_turn(self) -> None:
        self.process_events()
        self._note_incoming()
        self._context.departures.go()

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes from the peer."""
        if self._link is not None and self._outbox is not None:
            self._last_byte = self._context.clock.seconds()
            self._link.receive_data(data)
            if self.paused:
                self._intake.hold(len(data))
            else:
                self.process_events()
            self._note_incoming()
            self._context.departures.go()

    def _note_incoming(self) -> None:
        """Take note of how much of a message has come, and when it grew."""
        link, before = self._link, self._incoming
        assembling = link.assembling if link else None
        held = 0
        if assembling is not None:
            if before is None or before[:3] != tuple(assembling):
                self._incoming = Incoming(*assembling, self._last_byte)
        elif before is not None:
            self._incoming = None
        if link is not None and (assembling is not None or self.paused):
            held = link.held + self._questioned
        if held or self._received.size:
            self._received.set(held)
        if self._incoming is not before:
            self._incoming_changed(before, self._incoming)

    @abstractmethod
    def _incoming_changed(self, before: Incoming | None, now: Incoming | None) -> None:
        """Take note that more of a message has come, or that it has ended."""

    def process_events(self) -> None:
        """
        Act on what the peer has done so far, one thing after the other.

        After some of them others have their turn, and the rest follows later.
        """
        if self._processing or self._intake.gives_way:
            return
        link, trace = self._link, self._context.trace
        heard, most = 0, self._intake.slice
        self._processing = True
        try:
            # We may be here on account of a drop; what this peer does is not.
            with self._context.filters.on_account_of(None):
                while heard < most and link is not None and self._listens_to(link):
                    event = link.next_event()
                    if event is None:
                        break
                    if trace and isinstance(event, ChunkHeader):
                        trace.chunk(self.traced_as, event.size)
                    elif trace and isinstance(event, MessageReceived):
                        trace.received(self.traced_as, event.number, event.size)
                    else:
                        heard += 1
                        self._handle(event)
        finally:
            self._processing = False
        self._flush()
        delay = self._pace.wait_after(heard) if self._pace else 0.0
        if (heard == most or delay) and self._outbox is not None:
            self._intake.give_way(delay)

    def wait_for(self, message: Message, pending: Pending) -> None:
        """Act on nothing more from this peer until it is known what comes of this."""

        def judged(outcome: Message | Dropped) -> None:
            self._in_question = None
            self._questioned = 0
            self._drop_deadline()
            self._owner.judged(self, message, outcome)
            if self._judging is pending:
                self._judging = None
                self._go_on()

        self._judging, self._in_question = pending, message
        self._questioned = self._incoming.size if self._incoming else 0
        pending.then(judged)
        if message.patience is not None:
            self._deadline = self._context.clock.callLater(
                message.patience, pending.withhold, "no verdict in time"
            )

    def _drop_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def make_offer(
        self,
        offer: AnnounceCapabilities,
        judged: Callable[[Message | Dropped], None],
    ) -> None:
        """
        Have the filters judge an announcement that is to be made.

        *judged* is not called if another is made or the connection ends meanwhile.
        """
        self.withdraw_offer()

        def settled(outcome: Message | Dropped) -> None:
            self._offering = None
            judged(outcome)

        outcome = self.judge(offer)
        if isinstance(outcome, Pending):
            self._offering = outcome
            outcome.then(settled)
        else:
            judged(outcome)

    def withdraw_offer(self) -> None:
        """Make no announcement that the filters have not judged yet."""
        if self._offering is not None:
            self._offering.abandon()
            self._offering = None

    @property
    def filtered(self) -> bool:
        return not self._context.filters.idle

    def judge(self, message: Message) -> Outcome:
        return self._context.filters.judge("out", self, message)

    def weigh(self, message: Message) -> int:
        return self._link.weigh(message) if self._link else 0

    @abstractmethod
    def put(self, message: Message, source: Source | None) -> Queued | None:
        """Encode a message and let it wait for its turn."""

    def settled(self, sending: Sending, dropped: Dropped | None) -> None:
        self._owner.settled(self, sending, dropped)

    def later(self, call: Callable[[], None]) -> None:
        self._owner.later(call)

    def line_changed(self) -> None:
        self._waiting_changed()

    def _waiting_changed(self) -> None:
        waiting = self._bytes_waiting()
        if waiting or self._waiting.size:
            self._waiting.set(waiting)
        self._queue_changed()

    def _bytes_waiting(self) -> int:
        """Return the bytes that wait to be sent, or for a verdict before that."""
        outbox = self._outbox
        return (outbox.size if outbox else 0) + self._line.size

    def _begin_life(self) -> None:
        """Forget what waits for filters: who it was for, or from, is no more."""
        self._line.clear()
        self.withdraw_offer()
        if self._judging is not None:
            self._judging.abandon()
            self._judging = self._in_question = None
            self._questioned = 0
            self._drop_deadline()

    def _listens_to(self, link: GuestLink | ClientLink) -> bool:
        return link is self._link and self._outbox is not None and not self.paused

    @abstractmethod
    def _handle(self, event: Any) -> None:  # noqa: ANN401 - an event of its link
        """Act on what the link reports."""

    def _open(self, transport: Transport, queue: Queue) -> None:
        widen(transport)
        self._transport = transport
        self._intake.open(transport)
        departures = self._context.departures
        self._outbox = Outbox(transport, queue, departures, self._waiting_changed)
        if self._context.trace:
            self._context.trace.opened(self.traced_as)

    def _close(self) -> None:
        self._begin_life()
        if self._transport is not None:
            self._context.departures.forget(self._transport)
        self._transport = self._outbox = self._link = self._incoming = None
        self._pauses = 0
        self._intake.close()
        self._received.set(0)
        self._waiting.set(0)
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

    @abstractmethod
    def _queue_changed(self) -> None:
        """Take note that more or less waits for this peer."""
