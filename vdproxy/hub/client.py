"""One client of one VM."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Protocol

from twisted.internet.interfaces import IDelayedCall

from vdproxy.errors import RemoteProtocolError
from vdproxy.hub.budget import LARGE
from vdproxy.hub.context import PeerOwner, VMContext
from vdproxy.hub.intake import HIGH_WATER, LOW_WATER, Pace
from vdproxy.hub.isolation import Failed, attempt
from vdproxy.hub.line import Sending
from vdproxy.hub.outbox import Fifo, Outbox
from vdproxy.hub.peer import Incoming, Peer
from vdproxy.hub.transport import Transport
from vdproxy.hub.verdicts import Dropped
from vdproxy.link.client import ClientEvent, ClientLink
from vdproxy.link.events import (
    ClientReady,
    ClientRenewed,
    Malformed,
)
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.chunk import CutMessage
from vdproxy.wire.constants import message_name
from vdproxy.wire.messages import AnnounceCapabilities, Message

#: Bad payloads in a row after which a client is disconnected.
_MAX_MALFORMED = 5

#: Messages that may wait for a client.
_MAX_QUEUED_MESSAGES = 20_000

#: Answers kept for a client that asks before it was told what we can do.
_MAX_EARLY = 1024

#: Seconds in which a client that is disconnected may read what was sent.
_LINGER = 1.0


class ClientOwner(PeerOwner, Protocol):
    """Whom a client reports to: its hub."""

    def client_ready(self, client: Client) -> None: ...
    def client_left(self, client: Client) -> None: ...
    def detach(self, client: Client, reason: str) -> None: ...


class _Early(NamedTuple):
    """What is to be sent to a client that has not been told what we can do."""

    message: Message
    source: Peer | None
    account: Dropped | None


class Client(Peer):
    """One client, from its connection to its end; ``id`` is unique in its VM."""

    def __init__(
        self,
        context: VMContext,
        owner: ClientOwner,
        id: int,
        frontend: str,
        name: str,
        uid: int | None,
        gids: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__(context)
        self._owner: ClientOwner = owner
        self.id = id
        self.frontend = frontend
        self.name = name
        self.uid = uid
        #: The groups of its process, none where the socket does not tell.
        self.gids = gids
        #: Whether handlers have been told of this client.
        self.introduced = False
        self._link: ClientLink | None = None
        self._queue = Fifo()
        self._malformed = 0
        self._early: list[_Early] = []
        self._early_size = 0
        self._pace = Pace(context.clock, context.share)
        self._unheard = False
        self._stall_call: IDelayedCall | None = None
        #: When it last read something while more waited, and what was given by then.
        self._read_at = 0.0
        self._given = 0
        self._abort_call: IDelayedCall | None = None

    @property
    def label(self) -> str:
        """The client's name, or its frontend's, and its id."""
        return f"{self.name or self.frontend}#{self.id}"

    @property
    def traced_as(self) -> str:
        return self.label

    def send(self, message: Message, source: Peer | None = None) -> Sending | None:
        """
        Send *message* to this client, on behalf of *source*, when the filters let it.

        It waits until the client has been told what we can do; None is returned
        until then.

        :raises LocalProtocolError: the message cannot be told to this client.
        """
        if self._link is None or self._outbox is None:
            return None
        account = self._context.filters.account
        if self.offered is not None:
            return self._line.send(message, source, account)
        weight = attempt(self._link.weigh, message)
        waiting = self._early_size
        self._early.append(_Early(message, source, account))
        self._early_size += 0 if isinstance(weight, Failed) else weight
        self._waiting_changed()
        if (
            len(self._early) > _MAX_EARLY
            or waiting > self._context.share.limits.max_queued
        ):
            self.disconnect(
                f"it asks without end: {len(self._early)} answers of "
                f"{self._early_size} bytes wait for the guest"
            )
        return None

    def is_on(self, transports: Collection[Transport]) -> bool:
        """Tell whether one of these is this client's connection."""
        return self._transport in transports

    def disconnect(self, reason: str) -> None:
        """End the connection for something the client did, *reason* in the log."""
        if self._outbox is not None:
            self._context.log.warn(
                "client {client} disconnected: {reason}",
                client=self.label,
                reason=reason,
            )
            self.close()

    def close(self) -> None:
        """End the connection."""
        transport, outbox = self._transport, self._outbox
        if transport is None or outbox is None:
            return
        self._outbox = None
        self._begin_life()
        self._abort_call = self._context.clock.callLater(
            _LINGER, transport.abortConnection
        )
        outbox.close()
        transport.loseConnection()

    def connected(self, transport: Transport) -> None:
        """Begin with this client's connection."""
        self._link = ClientLink(
            self._context.codec, report_headers=self._context.trace is not None
        )
        self._open(transport, self._queue)

    def process_events(self) -> None:
        """Act on what the client has done so far; end it over broken framing."""
        try:
            super().process_events()
        except RemoteProtocolError as error:
            self.disconnect(str(error))

    def disconnected(self, reason: str) -> None:
        """Take note that the connection has ended."""
        self._intake.take_turns()
        for call in (self._abort_call, self._stall_call):
            if call is not None and call.active():
                call.cancel()
        self._context.share.leave(self)
        self._close()
        self._owner.detach(self, reason)

    def offer(self, capabilities: Capabilities) -> None:
        """Announce *capabilities*, unless the client was told just that."""
        if self._link is not None:
            self._link.offer(capabilities)
            self._flush()

    def send_early(self) -> None:
        """Send what waited for the client to be told what we can do, once it was."""
        if self.offered is None:
            return
        early, self._early, self._early_size = self._early, [], 0
        for message, source, account in early:
            sent = attempt(self._line.send, message, source, account)
            if isinstance(sent, Failed):
                self._context.log.warn(
                    "client {client} cannot be told an early {message}",
                    client=self.label,
                    message=message_name(message.number),
                )

    def put(self, message: Message, source: object) -> None:
        if self._link is not None:
            self._put(self._link.encode(message))

    def _put(self, message: CutMessage) -> None:
        if self._outbox is not None:
            self._trace_sent(message)
            if not self._outbox.pass_on(message):
                self._queue.put(message)
                self._outbox.write()

    def _flush(self) -> None:
        if self._link is not None:
            for message in self._link.messages_to_send():
                self._put(message)

    def _handle(self, event: ClientEvent) -> None:
        self._flush()
        if isinstance(event, Message):
            self._malformed = 0
            if isinstance(event, AnnounceCapabilities) and self._context.trace:
                self._context.trace.capabilities(self.traced_as, event.capabilities)
            self._owner.dispatch(self, event)
        elif isinstance(event, ClientReady):
            self._owner.client_ready(self)
        elif isinstance(event, ClientRenewed):
            self._line.clear()
            self._owner.client_left(self)
        elif isinstance(event, Malformed):
            self._refuse(event)
        else:
            self._context.log.info(
                "{message} of client {client} not taken: {reason}",
                message=message_name(event.number),
                client=self.label,
                reason=event.reason,
            )

    def _refuse(self, malformed: Malformed) -> None:
        """Have a bad payload answered where its type has an answer."""
        self._malformed += 1
        self._context.log.warn(
            "client {client} sent a bad {message}: {reason}",
            client=self.label,
            message=message_name(malformed.number),
            reason=malformed.reason,
        )
        self._owner.refuse(self, malformed.number, malformed.payload, malformed.reason)
        if self._malformed == _MAX_MALFORMED:
            self.disconnect(f"{_MAX_MALFORMED} bad messages in a row")

    def wait_for_room(self) -> None:
        """Read no more of a large message: memory is short."""
        self._intake.stop("memory")

    def have_room(self) -> None:
        """Read on."""
        self._intake.read_on("memory")

    def give_up(self, reason: str) -> None:
        """End the connection: there is no room for its large message."""
        self.disconnect(reason)

    def _incoming_changed(self, before: Incoming | None, now: Incoming | None) -> None:
        if before is not None and (now is None or now.received < before.received):
            self._context.share.leave(self)
        if now is not None and now.size > LARGE:
            self._context.share.join(self)

    def _bytes_waiting(self) -> int:
        return super()._bytes_waiting() + self._early_size

    def _queue_changed(self) -> None:
        """Hear nobody who does not read, and let go of those who won't."""
        outbox, line = self._outbox, self._line
        if outbox is None:
            return
        size, count, largest = outbox.size, outbox.count, self._queue.largest
        if line.count:
            size, count = size + line.size, count + line.count
            largest = max(largest, line.largest)
        limits = self._context.share.limits
        if size > limits.max_queued + largest or count > _MAX_QUEUED_MESSAGES:
            slow = "filters take their time" if line.count else "it does not read"
            self.disconnect(f"{slow}: {size} bytes in {count} messages wait")
        elif not self._unheard and size > HIGH_WATER + largest:
            self._unheard = True
            self.pause()
        elif self._unheard and size <= LOW_WATER + largest:
            self._unheard = False
            self.resume()
        if outbox.size:
            self._watch_reading(outbox)

    def _watch_reading(self, outbox: Outbox) -> None:
        """Note that something waits, and whether it read something since."""
        clock = self._context.clock
        if self._stall_call is None or outbox.given != self._given:
            self._given, self._read_at = outbox.given, clock.seconds()
        if self._stall_call is None:
            delay = self._context.share.limits.max_stall
            self._stall_call = clock.callLater(delay, self._check_reading)

    def _check_reading(self) -> None:
        self._stall_call = None
        outbox, limit = self._outbox, self._context.share.limits.max_stall
        if outbox is None or not outbox.size:
            return
        left = self._read_at + limit - self._context.clock.seconds()
        if left > 0:
            self._stall_call = self._context.clock.callLater(left, self._check_reading)
        else:
            self.disconnect(
                f"it has read nothing in {limit:g} s: {outbox.size} bytes wait"
            )
