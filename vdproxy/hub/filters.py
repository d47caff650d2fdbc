"""The filters of one VM, in their order: each message passes them or does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from twisted.internet.interfaces import IReactorTime

from vdproxy.hub.filter import Auditor, Decision, Filter
from vdproxy.hub.isolation import Installed, Mount, Turn
from vdproxy.hub.log import VMLog
from vdproxy.hub.peer import Peer
from vdproxy.hub.seat import Promise, Seat
from vdproxy.hub.verdicts import (
    Direction,
    Drop,
    Dropped,
    Outcome,
    Pending,
    Replace,
    Verdict,
)
from vdproxy.hub.vm import VM
from vdproxy.wire.messages import Message


class Filters:
    """
    The filters of one VM.

    One of which a method fails five times in a row is stopped and asked no more;
    if it is closed nothing passes from then on. ``changed`` is called then, since
    announcements are judged differently.
    """

    def __init__(
        self,
        installed: Sequence[Installed[Filter]],
        log: VMLog,
        clock: IReactorTime,
        turn: Turn,
        changed: Callable[[], None],
    ) -> None:
        #: The drop on whose account messages are sent for now, if any.
        self.account: Dropped | None = None
        self._seats = [Seat(plugin, log, clock, turn, changed) for plugin in installed]
        self._auditors = [
            (seat, seat.plugin)
            for seat in self._seats
            if isinstance(seat.plugin, Auditor)
        ]

    def start(self, vm: Callable[[Mount[Any]], VM]) -> None:
        """Start the filters, first to last; *vm* makes what each is given."""
        for seat in self._seats:
            if not seat.call(seat.plugin.start, vm(seat)):
                seat.bench("it could not start")

    def stop(self) -> None:
        """Stop the filters, last to first, and ask them no more."""
        self._auditors.clear()
        while self._seats:
            self._seats.pop().stop()

    def judge(self, direction: Direction, peer: Peer, message: Message) -> Outcome:
        """Ask the filters, first to last, what comes of *message*."""
        if not self._seats:
            return message
        return _ask(iter(tuple(self._seats)), direction, peer, message)

    def tell(
        self,
        direction: Direction,
        peer: Peer,
        message: Message,
        *,
        dropped: Dropped | None = None,
        account: Dropped | None = None,
        source: Peer | None = None,
    ) -> None:
        """
        Tell those that audit what has become of *message*.

        It passed, unless it was *dropped*, or sent on *account* of a drop.
        """
        if not self._auditors:
            return
        word = dropped or account or Dropped("", "")
        decision = Decision(
            direction,
            peer,
            message,
            "dropped" if dropped else "answered" if account else "passed",
            source,
            word.filter,
            word.reason,
        )
        for seat, auditor in self._auditors:
            if not seat.benched:
                seat.call(auditor.decided, decision)
                seat.bench_if_failing()

    @contextmanager
    def on_account_of(self, dropped: Dropped) -> Iterator[None]:
        """Let what is sent meanwhile ask no filter: it makes up for a drop."""
        account, self.account = self.account, dropped
        try:
            yield
        finally:
            self.account = account


class Judgement:
    """A message on its way through the filters, of which *filter* takes its time."""

    def __init__(
        self, filter: str, promise: Promise, go_on: Callable[[Verdict], Outcome]
    ) -> None:
        self._filter = filter
        self._go_on = go_on
        self._act: Callable[[Message | Dropped], None] | None = None
        self._next: Pending | None = None
        promise.then(self._answered)

    def then(self, act: Callable[[Message | Dropped], None]) -> None:
        self._act = act

    def abandon(self) -> None:
        self._act = None
        if self._next is not None:
            self._next.abandon()

    def withhold(self, reason: str) -> None:
        if self._next is not None:
            self._next.withhold(reason)
        else:
            self._end(Dropped(self._filter, reason))

    def _answered(self, verdict: Verdict) -> None:
        if self._act is None:
            return
        outcome = self._go_on(verdict)
        if isinstance(outcome, (Message, Dropped)):
            self._end(outcome)
        else:
            self._next = outcome
            outcome.then(self._end)

    def _end(self, outcome: Message | Dropped) -> None:
        act, self._act = self._act, None
        if act is not None:
            act(outcome)


def _ask(
    seats: Iterator[Seat], direction: Direction, peer: Peer, message: Message
) -> Outcome:
    for seat in seats:
        answer = seat.judge(direction, peer, message)
        if isinstance(answer, Promise):
            go_on = partial(_go_on, seat, seats, direction, peer, message)
            return Judgement(seat.name, answer, go_on)
        if isinstance(answer, Drop):
            return Dropped(seat.name, answer.reason)
        if isinstance(answer, Replace):
            message = answer.message
    return message


def _go_on(
    seat: Seat,
    others: Iterator[Seat],
    direction: Direction,
    peer: Peer,
    message: Message,
    verdict: Verdict,
) -> Outcome:
    """Ask the *others* after *seat* has come to its verdict."""
    if isinstance(verdict, Drop):
        return Dropped(seat.name, verdict.reason)
    if isinstance(verdict, Replace):
        message = verdict.message
    return _ask(others, direction, peer, message)
