"""What is to be sent to one peer, in order, while filters take their time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Protocol

from vdproxy.hub.fair_queue import Queued, Source
from vdproxy.hub.isolation import Failed, attempt
from vdproxy.hub.verdicts import Dropped, Outcome, Pending
from vdproxy.wire.messages import Message


class Recipient(Protocol):
    """Whose line it is: a peer."""

    @property
    def filtered(self) -> bool:
        """Whether there are filters at all; without any, nothing is settled."""

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

    def later(self, call: Callable[[], None]) -> None:
        """Call back when no plugin is at work: others may be heard by that."""

    def line_changed(self) -> None:
        """Take note that more or less waits for the filters."""


class Sending:
    """
    One message on its way to a peer, on behalf of *source*.

    ``message`` is as the filters let it through, as far as they have; None once
    it was dropped. ``original`` is as it was sent, on ``account`` of a drop if any.
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
    def being_judged(self) -> bool:
        """Whether a filter takes its time over this very message."""
        return self._line.being_judged is self

    def cancel(self) -> bool:
        """Do not send it, if that has not begun; tell whether that was so."""
        if self.undecided:
            self._line.cancel(self)
            return True
        return self.queued is not None and self.queued.cancel()

    def give_way(self) -> None:
        """
        Do not send it if it still waits for its turn: a newer one makes it void.

        One that a filter is asked about stays, or one that takes its time would see
        no end of a quick succession.
        """
        if self.queued is not None:
            self.queued.cancel()
        elif not self.being_judged:
            self.cancel()

    def withhold(self, reason: str) -> None:
        """Have it dropped if filters have not decided, as though one had done so."""
        if self.undecided:
            self._line.withhold(self, reason)


class Line:
    """
    The messages to one peer that wait for verdicts, ``size`` bytes of them.

    The filters judge one at a time; the others wait behind it. Where no filter
    takes its time nothing ever waits here. What makes up for a drop asks no filter:
    where something waits it takes the place of what was dropped, and goes ahead of
    whatever is about something else.
    """

    def __init__(self, recipient: Recipient) -> None:
        self._recipient = recipient
        self._weights: dict[Sending, int] = {}
        self._sizes: Counter[Source | None] = Counter()
        self._pending: Pending | None = None
        self._dropped: Dropped | None = None
        self._going_on = False
        self.size = 0

    @property
    def count(self) -> int:
        return len(self._weights)

    @property
    def largest(self) -> int:
        """The bytes of the largest message that waits."""
        return max(self._weights.values(), default=0)

    @property
    def being_judged(self) -> Sending | None:
        """The one that a filter takes its time over, if any."""
        return self._first if self._pending is not None else None

    @property
    def sources(self) -> list[Source]:
        """On whose behalf something waits."""
        return [source for source in self._sizes if source is not None]

    def size_of(self, source: Source) -> int:
        """Return the bytes that wait on behalf of *source*."""
        return self._sizes.get(source, 0)

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
        if not self._recipient.filtered:
            sending.queued = self._recipient.put(message, source)
        elif account is not None:
            if self._must_wait(message, account):
                self._join(sending)
            else:
                self._settle(sending, message)
        elif self._weights:
            self._join(sending)
        else:
            outcome = self._recipient.judge(message)
            if not isinstance(outcome, Pending):
                self._settle(sending, outcome)
            elif self._weights:
                # The filter has sent something itself, and is asked again after that.
                outcome.abandon()
                self._join(sending)
            else:
                self._join(sending, outcome)
        return sending

    def cancel(self, sending: Sending) -> None:
        """Let a message wait no more, and not be sent."""
        if sending.being_judged:
            self._stop_judging()
        self._leave(sending)
        # A handler is at work: nobody is heard before its end.
        self._recipient.later(self._go_on)

    def withhold(self, sending: Sending, reason: str) -> None:
        """Have a message that waits dropped."""
        if self._pending is not None and sending.being_judged:
            self._pending.withhold(reason)
        else:
            self._leave(sending)
            self._drop(sending, Dropped("", reason))
            self._recipient.later(self._go_on)

    def clear(self) -> None:
        """Drop all that waits: the life of the peer it was for has ended."""
        self._stop_judging()
        self._weights.clear()
        self._sizes.clear()
        self.size = 0

    @property
    def _first(self) -> Sending | None:
        return next(iter(self._weights), None)

    def _must_wait(self, message: Message, account: Dropped) -> bool:
        """Tell whether something has to go before what makes up for a drop."""
        if account is self._dropped or not self._weights:
            return False
        return any(s.original.subject == message.subject for s in self._weights)

    def _join(self, sending: Sending, pending: Pending | None = None) -> None:
        weight = attempt(self._recipient.weigh, sending.original)
        if isinstance(weight, Failed):
            if pending is not None:
                pending.abandon()
            raise weight.error
        self._weights[sending] = size = weight
        self._sizes[sending.source] += size
        self.size += size
        if pending is not None:
            self._wait_for(sending, pending)
        self._recipient.line_changed()

    def _leave(self, sending: Sending) -> None:
        size = self._weights.pop(sending)
        self.size -= size
        self._sizes[sending.source] -= size
        if not self._sizes[sending.source]:
            del self._sizes[sending.source]

    def _wait_for(self, sending: Sending, pending: Pending) -> None:
        self._pending = pending
        pending.then(partial(self._judged, sending))

    def _stop_judging(self) -> None:
        if self._pending is not None:
            self._pending.abandon()
            self._pending = None

    def _judged(self, sending: Sending, outcome: Message | Dropped) -> None:
        self._pending = None
        self._take_out(sending, outcome)
        self._recipient.later(self._go_on)

    def _go_on(self) -> None:
        """Send what follows, up to what a filter takes its time over."""
        if self._going_on:
            # A filter is being asked, and what waited for its end is done by that.
            return
        self._going_on = True
        try:
            while self._pending is None and (first := self._first) is not None:
                self._judge(first)
        finally:
            self._going_on = False
        self._recipient.line_changed()

    def _judge(self, first: Sending) -> None:
        outcome: Outcome = first.original
        if first.account is None:
            outcome = self._recipient.judge(first.original)
        if not self.has(first):
            # Its life has ended meanwhile, or its sender has cancelled it.
            if isinstance(outcome, Pending):
                outcome.abandon()
        elif isinstance(outcome, Pending):
            self._wait_for(first, outcome)
        else:
            self._take_out(first, outcome)

    def _take_out(self, sending: Sending, outcome: Message | Dropped) -> None:
        """Send or drop a message that waited; its sender has gone on."""
        self._leave(sending)
        if isinstance(outcome, Dropped):
            self._dropped = outcome
            self._drop(sending, outcome)
            return
        queued = attempt(self._recipient.put, outcome, sending.source)
        if isinstance(queued, Failed):
            self._drop(sending, Dropped("", "it cannot be told any more"))
        else:
            self._sent(sending, outcome, queued)

    def _settle(self, sending: Sending, outcome: Message | Dropped) -> None:
        """Send or drop a message that was not made to wait."""
        if isinstance(outcome, Dropped):
            self._drop(sending, outcome)
        else:
            queued = self._recipient.put(outcome, sending.source)
            self._sent(sending, outcome, queued)

    def _sent(self, sending: Sending, message: Message, queued: Queued | None) -> None:
        sending.message = message
        sending.queued = queued
        self._recipient.settled(sending, None)

    def _drop(self, sending: Sending, dropped: Dropped) -> None:
        sending.message = None
        self._recipient.settled(sending, dropped)
