"""What is to be sent to one peer, in order, while filters take their time."""

from __future__ import annotations

from collections import Counter, deque
from functools import partial
from typing import Protocol

from vdproxy.hub.fair_queue import Queued, Source
from vdproxy.hub.isolation import Failed, attempt
from vdproxy.hub.verdicts import Dropped, Outcome, Pending
from vdproxy.wire.messages import Message


class Recipient(Protocol):
    """Whose line it is: a peer."""

    def judge(self, message: Message) -> Outcome:
        """Have the filters judge what is to be sent."""

    def weigh(self, message: Message) -> int:
        """Return the bytes of a message; raises what ``put`` raises."""

    def put(self, message: Message, source: Source | None) -> Queued | None:
        """
        Send a message.

        :raises LocalProtocolError: the message cannot be told to this peer.
        """

    def settled(self, sending: Sending, dropped: Dropped | None) -> None:
        """Take note that a message was sent or dropped."""

    def cannot_be_told(self, message: Message) -> None:
        """Take note that a message that waited cannot be told to this peer."""

    def line_changed(self) -> None:
        """Take note that more or less waits for the filters."""


class Sending:
    """
    One message on its way to a peer, on behalf of *source*.

    ``message`` is as the filters let it through, as far as they have; None once
    it was dropped. ``account`` is the drop on whose account it is sent, if any.
    """

    __slots__ = ("_line", "account", "message", "original", "queued", "source")

    def __init__(
        self,
        line: Line,
        message: Message,
        source: Source | None,
        account: Dropped | None,
    ) -> None:
        self._line = line
        #: Where it waits for its turn, once it was judged.
        self.queued: Queued | None = None
        self.original = message
        self.message: Message | None = message
        self.source = source
        self.account = account

    @property
    def undecided(self) -> bool:
        """Whether it waits for a filter's verdict, its own or that of one before it."""
        return self._line.has(self)

    @property
    def waits(self) -> bool:
        """Whether it has not begun to go out to a guest, or to a client's queue."""
        return self.undecided or (self.queued is not None and self.queued.waits)

    def cancel(self) -> bool:
        """Do not send it, if that has not begun; tell whether that was so."""
        if self.undecided:
            self._line.remove(self)
            return True
        return self.queued is not None and self.queued.cancel()

    def withhold(self, reason: str) -> None:
        """Have it dropped if filters have not decided, as though one had done so."""
        if self.undecided:
            self._line.withhold(self, reason)


class Line:
    """
    The messages to one peer that wait for verdicts, ``size`` bytes of them.

    The filters judge one at a time; the others wait behind it. Where no filter
    takes its time nothing ever waits here.
    """

    def __init__(self, recipient: Recipient) -> None:
        self._recipient = recipient
        self._waiting: deque[Sending] = deque()
        self._pending: Pending | None = None
        self._weights: dict[Sending, int] = {}
        self._sizes: Counter[Source | None] = Counter()

    @property
    def size(self) -> int:
        return sum(self._sizes.values())

    @property
    def count(self) -> int:
        return len(self._waiting)

    @property
    def largest(self) -> int:
        """The bytes of the largest message that waits."""
        return max(self._weights.values(), default=0)

    @property
    def sources(self) -> list[Source]:
        """On whose behalf something waits."""
        return [source for source in self._sizes if source is not None]

    def size_of(self, source: Source) -> int:
        """Return the bytes that wait on behalf of *source*."""
        return self._sizes[source]

    def has(self, sending: Sending) -> bool:
        """Tell whether *sending* waits here."""
        return sending in self._weights

    def send(
        self, message: Message, source: Source | None, account: Dropped | None
    ) -> Sending:
        """
        Send *message* when it may; one on *account* of a drop is not judged.

        :raises LocalProtocolError: the message cannot be told to this peer.
        """
        sending = Sending(self, message, source, account)
        if self._waiting:
            self._join(sending)
            return sending
        outcome = self._outcome(message, account)
        if isinstance(outcome, (Message, Dropped)):
            self._settle(sending, outcome)
        else:
            self._join(sending)
            self._wait_for(outcome)
        return sending

    def remove(self, sending: Sending) -> None:
        """Let a message wait no more, and not be sent."""
        first = self._waiting[0] is sending
        self._waiting.remove(sending)
        self._forget(sending)
        if first:
            self._stop_waiting()
            self._go_on()

    def withhold(self, sending: Sending, reason: str) -> None:
        """Have a message that waits dropped."""
        if self._waiting[0] is sending and self._pending is not None:
            self._pending.withhold(reason)
        else:
            self.remove(sending)
            self._settle(sending, Dropped("", reason))

    def clear(self) -> None:
        """Drop all that waits: the life of the peer it was for has ended."""
        self._stop_waiting()
        self._waiting.clear()
        self._weights.clear()
        self._sizes.clear()

    def _outcome(self, message: Message, account: Dropped | None) -> Outcome:
        return message if account else self._recipient.judge(message)

    def _join(self, sending: Sending) -> None:
        weight = self._recipient.weigh(sending.original)
        self._waiting.append(sending)
        self._weights[sending] = weight
        self._sizes[sending.source] += weight
        self._recipient.line_changed()

    def _forget(self, sending: Sending) -> None:
        weight = self._weights.pop(sending)
        self._sizes[sending.source] -= weight
        if not self._sizes[sending.source]:
            del self._sizes[sending.source]

    def _wait_for(self, pending: Pending) -> None:
        self._pending = pending
        pending.then(self._judged)

    def _stop_waiting(self) -> None:
        if self._pending is not None:
            self._pending.abandon()
            self._pending = None

    def _judged(self, outcome: Message | Dropped) -> None:
        self._pending = None
        self._settle_first(outcome)
        self._go_on()

    def _go_on(self) -> None:
        """Send what follows, up to what a filter takes its time over."""
        while self._waiting and self._pending is None:
            first = self._waiting[0]
            outcome = self._outcome(first.original, first.account)
            if isinstance(outcome, (Message, Dropped)):
                self._settle_first(outcome)
            else:
                self._wait_for(outcome)
        self._recipient.line_changed()

    def _settle_first(self, outcome: Message | Dropped) -> None:
        sending = self._waiting.popleft()
        self._forget(sending)
        # Its sender has gone on and cannot be told.
        if isinstance(attempt(partial(self._settle, sending, outcome)), Failed):
            self._recipient.cannot_be_told(sending.original)

    def _settle(self, sending: Sending, outcome: Message | Dropped) -> None:
        if isinstance(outcome, Dropped):
            sending.message = None
            self._recipient.settled(sending, outcome)
        else:
            sending.message = outcome
            sending.queued = self._recipient.put(outcome, sending.source)
            self._recipient.settled(sending, None)
