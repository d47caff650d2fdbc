"""The guest of one VM: the agent behind QEMU's socket."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Protocol

from vdproxy.hub.budget import LARGE
from vdproxy.hub.context import PeerOwner, VMContext
from vdproxy.hub.fair_queue import FairQueue, Queued, Source
from vdproxy.hub.intake import HIGH_WATER, LOW_WATER
from vdproxy.hub.line import Sending
from vdproxy.hub.peer import Incoming, Peer
from vdproxy.hub.transport import Transport
from vdproxy.hub.watch import Watch
from vdproxy.link.events import (
    AgentLost,
    AgentUp,
    Malformed,
)
from vdproxy.link.guest import GuestEvent, GuestLink
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.chunk import CutMessage, SkippedMessage
from vdproxy.wire.constants import message_name
from vdproxy.wire.messages import AnnounceCapabilities, Message


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
        self._watch: Watch | None = None
        self._vm_stopped = False
        self._untaken: Callable[[], int] | None = None
        self._cut_short = False
        self._waits_to_begin = False
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
        source = source or self
        sending = self._line.send(message, source, self._context.filters.account)
        self._pause_if_ahead(source)
        return sending

    def put(self, message: Message, source: Source | None) -> Queued | None:
        if self._link is None:
            return None
        cut = self._link.encode(message)
        bulk = message.data_offset is not None
        return self._put(cut, source or self, message.subject, bulk=bulk)

    @property
    def unread(self) -> Hashable | None:
        """
        Of what was sent, that which waits to be read; None if nothing does.

        It is another one as soon as some of it has been read.
        """
        if self._outbox is None:
            return None
        untaken = self._untaken() if self._untaken else 0
        return (self._outbox.given, untaken) if untaken or self.queued else None

    def connected(
        self, transport: Transport, untaken: Callable[[], int] | None = None
    ) -> None:
        """
        Begin with a new connection to the guest's port.

        *untaken* tells how much the kernel keeps of what was sent, where it does.
        """
        self._untaken = untaken
        self._queue = FairQueue(self._cancelled)
        self._open(transport, self._queue)
        self._link = None
        self.renew_offer()
        if self._link is None:
            # Filters take their time, and nothing is read before there is a link.
            transport.pauseProducing()
            self._waits_to_begin = True

    def renew_offer(self) -> None:
        """Have the guest told what there is to offer now."""
        if self._outbox is not None:
            self._owner.offer_to_guest(self._offer)

    def _offer(self, offer: Capabilities) -> None:
        if self._link is None:
            self._begin(offer)
        else:
            self._link.offer(offer)
            self._flush()

    def _begin(self, offer: Capabilities) -> None:
        """Begin the link with our question."""
        self._link = GuestLink(
            self._context.codec,
            offer,
            report_headers=self._context.trace is not None,
        )
        self._watch = Watch(
            self, self._link, self._context.clock, vm_stopped=self._vm_stopped
        )
        self._flush()
        if self._waits_to_begin and self._transport is not None:
            self._waits_to_begin = False
            self._transport.resumeProducing()

    def process_events(self) -> None:
        """Act on what the guest has done so far, and look for what it has not."""
        super().process_events()
        if self._watch is not None:
            self._watch.look_at_heard()

    def drop_waiting(self) -> None:
        """Drop the messages that have not begun to go out."""
        self._line.clear()
        if self._outbox is not None:
            self._outbox.drop_waiting()

    def leave(self, reason: str) -> None:
        """Hear nothing more, and say nothing but what is on its way already."""
        was_up = self.up
        self._begin_life()
        self._link = None
        if self._watch is not None:
            self._watch.end()
            self._watch = None
        if was_up:
            self._owner.agent_lost(reason)

    def disconnected(self, reason: str) -> None:
        """Take note that the connection to the guest's port has ended."""
        self._intake.take_turns()
        was_up, outbox = self.up, self._outbox
        self._close()
        self._waits_to_begin = self._cut_short = False
        if self._watch is not None:
            self._watch.end()
            self._watch = None
        if was_up:
            self._owner.agent_lost(reason)
        if outbox is not None:
            outbox.clear()

    def port_opened(self) -> None:
        """Take QEMU's word that the guest's port was closed and is open now."""
        if self._watch is not None:
            self._watch.port_opened()

    def port_closed(self) -> None:
        """Take QEMU's word that the guest's port is closed."""
        if self._watch is not None:
            self._watch.port_closed()

    def vm_stopped(self) -> None:
        """Take QEMU's word that the VM stands still."""
        self._stop_or_resume(stopped=True)

    def vm_resumed(self) -> None:
        """Take QEMU's word that the VM goes on, or that QEMU tells no more."""
        self._stop_or_resume(stopped=False)

    def _stop_or_resume(self, *, stopped: bool) -> None:
        self._vm_stopped = stopped
        if self._watch is not None:
            self._watch.stop_or_resume(vm_stopped=stopped)

    def doubt(self, reason: str, silent_for: float = 0.0) -> None:
        """
        Take the agent for lost, for this *reason*: another may be in its place.

        Not one that has said anything in so many seconds, has something to read, or
        does not stand a new connection: that is what it gets. Of its affairs all are
        ended, and it forgets them too.
        """
        silent = self._context.clock.seconds() - self._last_byte
        if silent >= silent_for and not self.queued:
            self._owner.later(partial(self._doubt, self._watch, reason))

    def _doubt(self, watch: Watch | None, reason: str) -> None:
        if watch is not None and watch is self._watch:
            watch.doubt(reason)

    def connect_anew(self, reason: str) -> None:
        """End the connection, so that another is made; *reason* is for the log."""
        assert self._transport is not None
        self._context.log.warn(
            "the connection to the guest's agent is made anew: {reason}", reason=reason
        )
        self.leave(reason)
        self._transport.abortConnection()

    def skip_incoming(self, reason: str) -> None:
        """Keep nothing of the message that is coming in; who waits gets nothing."""
        skipped = self._link.skip_rest() if self._link is not None else None
        if skipped is not None:
            self._refuse_skipped(skipped, reason)

    def _incoming_changed(self, before: Incoming | None, now: Incoming | None) -> None:
        if now is not None and now.size > LARGE and self._context.share.full:
            self.skip_incoming("and memory is short, see max-memory")
            self._received.set(0)

    def _handle(self, event: GuestEvent) -> None:
        if isinstance(event, AgentLost):
            self._line.clear()
            half_read = self.unread is not None
            # Before clients are heard again that were not while the guest did not read.
            self._owner.agent_lost(event.reason)
            # What waits was for the old agent; what the link has to say is not.
            # A living agent would take that for the rest of a message begun.
            if self._outbox is not None:
                if event.replaced:
                    self._cut_short = half_read
                    self._outbox.clear()
                else:
                    self._outbox.drop_waiting()
            self._flush()
            return
        self._flush()
        if isinstance(event, Message):
            if isinstance(event, AnnounceCapabilities) and self._watch is not None:
                self._take_announcement(event, self._watch)
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
            self._refuse_skipped(event, "over max-message")
        else:
            self._context.log.info(
                "{message} of the guest not taken: {reason}",
                message=message_name(event.number),
                reason=event.reason,
            )

    def _take_announcement(self, event: AnnounceCapabilities, watch: Watch) -> None:
        if self._context.trace:
            self._context.trace.capabilities(self.traced_as, event.capabilities)
        watch.announced(anew=event.request == 1)
        if self._cut_short and self._link is not None and self._link.reconnects:
            self.connect_anew(
                "it may have read the end of what its predecessor did not"
            )
        self._cut_short = False

    def _refuse_skipped(self, skipped: SkippedMessage, reason: str) -> None:
        self._context.log.warn(
            "guest sent a {message} of {size} bytes, {reason}; skipped",
            message=message_name(skipped.number),
            size=skipped.size,
            reason=reason,
        )
        self._owner.refuse(self, skipped.number, b"", reason)

    def _put(
        self,
        message: CutMessage,
        source: Source,
        subject: Hashable = None,
        *,
        bulk: bool = False,
    ) -> Queued | None:
        """Send a message now or in its turn; return where it waits for that."""
        assert self._outbox is not None  # As long as there is a link.
        self._trace_sent(message)
        queued = None
        if not self._outbox.pass_on(message):
            queued = Queued(self._queue, message, source, subject)
            self._queue.put(queued, bulk=bulk)
            self._outbox.write()
            self._pause_if_ahead(source)
        if self._watch is not None and (self.queued or self._untaken):
            self._watch.look_at_sent()
        return queued

    def _flush(self) -> None:
        """Send what the link has to say, unless the guest does not read."""
        if self._link is not None and not self.queued:
            for message in self._link.messages_to_send():
                self._put(message, self)

    def _cancelled(self) -> None:
        # A handler cancels in the middle of its work: nobody is heard before its end.
        if self._paused_sources:
            self._context.clock.callLater(0, self._queue_changed)

    def _queue_changed(self) -> None:
        self._flush()
        self._resume_sources()

    def _pause_if_ahead(self, source: Source) -> None:
        """Pause one that sends more than the guest reads, and no others."""
        if self._size_of(source) > HIGH_WATER and source not in self._paused_sources:
            self._paused_sources.add(source)
            source.pause()

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
        few = (s for s in self._paused_sources if self._size_of(s) <= LOW_WATER)
        return next(few, None)

    def _size_of(self, source: Source) -> int:
        """Return the bytes of *source* that wait for a verdict or for their turn."""
        return self._queue.size_of(source) + self._line.size_of(source)
