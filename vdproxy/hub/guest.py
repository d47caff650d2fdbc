"""The guest of one VM: the agent behind QEMU's socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall

from vdproxy.hub.fair_queue import FairQueue, Queued, Source
from vdproxy.hub.line import Sending
from vdproxy.hub.outbox import Transport
from vdproxy.hub.peer import Peer, PeerOwner, VMContext
from vdproxy.link.events import (
    AgentLost,
    AgentUp,
    Discarded,
    Malformed,
)
from vdproxy.link.guest import GuestEvent, GuestLink
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.chunk import SkippedMessage
from vdproxy.wire.constants import message_name
from vdproxy.wire.messages import AnnounceCapabilities, Message

#: Seconds of silence in the middle of a message after which its rest is looked
#: through for a new agent's announcement. A living agent pauses for less.
_QUIET = 1.0

#: Seconds after which a question is repeated that a speaking guest has not
#: answered; agents answer within 25 ms.
_PATIENCE = 2.0

#: Seconds after which the connection is made anew to an agent that has announced
#: itself and answers neither question. That is what brings spice-vdagentd round.
_MUTE = 30.0

#: Seconds between two looks at what may not come.
_CHECK = 0.5

#: Bytes of one client that wait for the guest above which it is paused, and below
#: which it goes on.
_HIGH_WATER = 1024 * 1024
_LOW_WATER = 256 * 1024


class GuestOwner(PeerOwner, Protocol):
    """Whom the guest reports to: its hub."""

    def offer_to_guest(self, told: Callable[[Capabilities], None]) -> None: ...
    def agent_up(self, capabilities: Capabilities) -> None: ...
    def agent_lost(self, reason: str) -> None: ...


class Guest(Peer):
    """The guest's agent, as far as it can be known."""

    name = "guest"

    def __init__(self, context: VMContext, owner: GuestOwner) -> None:
        super().__init__(context)
        self._owner: GuestOwner = owner
        self._link: GuestLink | None = None
        self._check_call: IDelayedCall | None = None
        self._waits_to_begin = False
        self._searched = False
        self._unanswered_since: float | None = None
        self._mute_since: float | None = None
        self._queue = FairQueue(self._cancelled)
        self._paused_sources: set[Source] = set()
        self._resuming = False

    @property
    def up(self) -> bool:
        """Whether an agent has answered and messages may be sent to it."""
        return self._link is not None and self._link.synced

    @property
    def state(self) -> str:
        """``up``, ``connected`` (to the socket, no agent) or ``down``."""
        if self._link is None:
            return "down"
        return "up" if self._link.synced else "connected"

    def can(self, capability: int) -> bool:
        """Tell whether an agent is up that has announced *capability*."""
        return self.up and super().can(capability)

    @property
    def senders(self) -> set[Source]:
        """The clients of which something waits for the guest, some of them gone."""
        sources = {*self._queue.sources, *self._line.sources}
        return sources - {self}

    def send(self, message: Message, source: Peer | None = None) -> Sending | None:
        """
        Send *message* to the agent, on behalf of *source*, when the filters let it.

        Messages with data (CLIPBOARD, FILE_XFER_DATA) take turns with those of
        other clients and let all others go before them, except those about the
        same selection or file transfer.

        Nothing is sent, and None returned, while the agent is not up: handlers
        are told when it is lost and answer whoever waits for it.

        :raises LocalProtocolError: the message cannot be told to this agent.
        """
        if not self.up:
            return None
        return self._line.send(message, source or self, self._context.filters.account)

    def put(self, message: Message, source: Source | None) -> Queued | None:
        if self._link is None:
            return None
        cut = self._link.encode(message)
        queued = Queued(self._queue, cut, source or self, message.subject)
        self._put(queued, bulk=message.data_offset is not None)
        return queued

    def connected(self, transport: Transport) -> None:
        """Begin with a new connection to the guest's port."""
        self._queue = FairQueue(self._cancelled)
        self._open(transport, self._queue)
        self._owner.offer_to_guest(self._begin)
        if self._link is None:
            # Filters take their time, and nothing is read before there is a link.
            transport.pauseProducing()
            self._waits_to_begin = True

    def _begin(self, offer: Capabilities) -> None:
        """Begin the link with our question."""
        self._link = GuestLink(
            self._context.codec,
            offer,
            report_headers=self._context.trace is not None,
        )
        self._flush()
        if self._waits_to_begin and self._transport is not None:
            self._waits_to_begin = False
            self._transport.resumeProducing()

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes from the guest's port."""
        self._searched = False
        super().receive_data(data)

    def process_events(self) -> None:
        """Act on what the guest has done so far, and look for what it has not."""
        super().process_events()
        self._watch()

    def disconnected(self, reason: str) -> None:
        """Take note that the connection to the guest's port has ended."""
        was_up, outbox = self.up, self._outbox
        self._close()
        self._waits_to_begin = False
        self._unanswered_since = self._mute_since = None
        if self._check_call is not None:
            self._check_call.cancel()
            self._check_call = None
        if was_up:
            self._owner.agent_lost(reason)
        if outbox is not None:
            outbox.clear()

    def _handle(self, event: GuestEvent) -> None:
        if isinstance(event, AgentLost):
            self._line.clear()
            # Before clients are heard again that were not while the guest did not read.
            self._owner.agent_lost(event.reason)
            # What waits was for the old agent; what the link has to say is not.
            # A living agent would take that for the rest of a message begun.
            if self._outbox is not None:
                if event.replaced:
                    self._outbox.clear()
                else:
                    self._outbox.drop_waiting()
            self._flush()
            return
        self._flush()
        if isinstance(event, Message):
            if isinstance(event, AnnounceCapabilities) and self._context.trace:
                self._context.trace.capabilities(self.traced_as, event.capabilities)
            self._owner.dispatch(self, event)
        elif isinstance(event, AgentUp):
            self._owner.agent_up(event.capabilities)
        elif isinstance(event, Malformed):
            self._context.log.warn(
                "guest sent a bad {message}: {reason}",
                message=message_name(event.number),
                reason=event.reason,
            )
            self._owner.refuse(self, event.number, event.payload, event.reason)
        elif isinstance(event, SkippedMessage):
            self._context.log.warn(
                "guest sent a {message} of {size} bytes, over max-message; skipped",
                message=message_name(event.number),
                size=event.size,
            )
            self._owner.refuse(self, event.number, b"", "over max-message")
        elif isinstance(event, Discarded):
            self._context.log.info(
                "{message} of the guest not taken: {reason}",
                message=message_name(event.number),
                reason=event.reason,
            )

    def _watch(self) -> None:
        """Look again soon if the link waits for something that may not come."""
        link = self._link
        if link is None:
            return
        if not link.unanswered:
            self._unanswered_since = None
        elif self._unanswered_since is None:
            self._unanswered_since = self._context.clock.seconds()
        if not link.mute:
            self._mute_since = None
        elif self._mute_since is None:
            self._mute_since = self._context.clock.seconds()
        waits = link.unanswered or link.mute or (link.unfinished and not self._searched)
        if waits and self._check_call is None:
            self._check_call = self._context.clock.callLater(_CHECK, self._check)
        elif not waits and self._check_call is not None:
            self._check_call.cancel()
            self._check_call = None

    def _check(self) -> None:
        self._check_call = None
        link = self._link
        if link is None or self.paused:
            return
        now = self._context.clock.seconds()
        if link.unfinished and now - self._last_byte >= _QUIET:
            self._searched = True
            link.quiet()
        since = self._unanswered_since
        if since is not None and now - since >= _PATIENCE and not self.queued:
            link.ask_again()
        since = self._mute_since
        if since is not None and now - since >= _MUTE and self._transport is not None:
            self._context.log.warn(
                "the guest's agent answers nothing: the connection is made anew"
            )
            self._transport.abortConnection()
            return
        self.process_events()

    def _put(self, queued: Queued, *, bulk: bool = False) -> None:
        if self._outbox is not None:
            self._trace_sent(queued.message)
            self._queue.put(queued, bulk=bulk)
            self._outbox.write()

    def _flush(self) -> None:
        """Send what the link has to say, unless the guest does not read."""
        if self._link is not None and not self.queued:
            for message in self._link.messages_to_send():
                self._put(Queued(self._queue, message, self))

    def _cancelled(self) -> None:
        # A handler cancels in the middle of its work: nobody is heard before its end.
        if self._paused_sources:
            self._context.clock.callLater(0, self._queue_changed)

    def _queue_changed(self) -> None:
        """Pause those that send more than the guest reads, and no others."""
        self._flush()
        for source in (*self._queue.sources, *self._line.sources):
            if (
                self._size_of(source) > _HIGH_WATER
                and source not in self._paused_sources
            ):
                self._paused_sources.add(source)
                source.pause()
        self._resume_sources()

    def _resume_sources(self) -> None:
        """Hear those again of which little is left to send, one after the other."""
        if self._resuming:
            # One that is heard again has sent something, which brought us here.
            return
        self._resuming = True
        try:
            while (source := self._next_to_resume()) is not None:
                self._paused_sources.discard(source)
                source.resume()
        finally:
            self._resuming = False

    def _next_to_resume(self) -> Source | None:
        few = (s for s in self._paused_sources if self._size_of(s) <= _LOW_WATER)
        return next(few, None)

    def _size_of(self, source: Source) -> int:
        """Return the bytes of *source* that wait for a verdict or for their turn."""
        return self._queue.size_of(source) + self._line.size_of(source)
