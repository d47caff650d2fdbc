"""The filters of one VM, in their order: each message passes them or does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from twisted.internet.interfaces import IReactorTime

from vdproxy.hub.answers import Wait
from vdproxy.hub.filter import Auditor, Decision, Filter
from vdproxy.hub.isolation import Installed, Mount, Turn, mounted
from vdproxy.hub.log import VMLog
from vdproxy.hub.peer import Peer
from vdproxy.hub.seat import Seat
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
        counters: Counter[str],
        changed: Callable[[], None],
    ) -> None:
        self._new_seat = partial(
            Seat,
            log=log,
            clock=clock,
            turn=turn,
            counters=counters,
            changed=changed,
        )
        #: The drop on whose account messages are sent for now, if any.
        self.account: Dropped | None = None
        self._seat([self._new_seat(plugin) for plugin in installed])

    @property
    def idle(self) -> bool:
        """Whether there are no filters at all."""
        return not self.seats

    @property
    def audited(self) -> bool:
        """Whether there is anybody to be told of decisions."""
        return bool(self._auditors)

    def start(self, vm: Callable[[Mount[Any]], VM]) -> None:
        """Start the filters, first to last; *vm* makes what each is given."""
        for seat in self.seats:
            seat.start(vm(seat))

    def stop(self) -> None:
        """Stop the filters, last to first, and ask them no more."""
        for seat in reversed(self.seats):
            seat.stop()

    def reinstall(
        self,
        installed: Sequence[Installed[Filter]],
        vm: Callable[[Mount[Any]], VM],
    ) -> None:
        """
        Have these filters in this order, of which some are there already.

        The others of before are stopped, and new ones started. A message that is in
        question goes on to those that have not been asked about it.
        """
        seats, added = mounted(installed, self.seats, self._new_seat)
        gone = [seat for seat in self.seats if seat not in seats]
        for seat in reversed(gone):
            seat.close()
        for seat in added:
            seat.start(vm(seat))
        self._seat(seats)
        for seat in gone:
            seat.retire()

    def has(self, plugin: Filter) -> bool:
        """Tell whether *plugin* is here, and has not been benched."""
        return any(s.plugin is plugin and not s.benched for s in self.seats)

    def judge(self, direction: Direction, peer: Peer, message: Message) -> Outcome:
        """Ask the filters, first to last, what comes of *message*."""
        if not self.seats:
            return message
        return Judgement(self, direction, peer, message).go_on()

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

    def _seat(self, seats: Sequence[Seat]) -> None:
        #: The filters in their places.
        self.seats = tuple(seats)
        self._auditors = tuple(
            (seat, seat.plugin) for seat in seats if isinstance(seat.plugin, Auditor)
        )

    @contextmanager
    def on_account_of(self, dropped: Dropped | None) -> Iterator[None]:
        """Let what is sent meanwhile ask no filter if it makes up for a drop."""
        account, self.account = self.account, dropped
        try:
            yield
        finally:
            self.account = account


class Judgement(Pending):
    """One message on its way through the filters."""

    def __init__(
        self, filters: Filters, direction: Direction, peer: Peer, message: Message
    ) -> None:
        super().__init__()
        self._filters = filters
        self._chain = filters.seats
        self._seats = iter(self._chain)
        self._asked: tuple[Seat, ...] = ()
        self._direction = direction
        self._peer = peer
        self._message = message
        self._seat: Seat
        self._wait: Wait

    def go_on(self) -> Outcome:
        """Ask the filters that have not been; return itself if one takes its time."""
        for seat in self._seats:
            answer = seat.judge(self._direction, self._peer, self._message)
            if isinstance(answer, Wait):
                self._seat, self._wait = seat, answer
                self.filter = seat.name
                answer.listener = self._answered
                return self
            dropped = self._heed(seat, answer)
            if dropped is not None:
                return dropped
        return self._message

    def abandon(self) -> None:
        super().abandon()
        self._seat.forget(self._wait)

    def withhold(self, reason: str) -> None:
        # Whether the filter keeps to its time is seen all the same.
        self._wait.listener = None
        super().withhold(reason)

    def _answered(self, answer: object) -> None:
        if self._act is None:
            return
        seat = self._seat
        # It may have come at any time, also while a drop was being made up for.
        with self._filters.on_account_of(None):
            self._follow_reinstallation()
            verdict = seat.verdict(answer, self._direction, self._peer, self._message)
            outcome = self._heed(seat, verdict) or self.go_on()
            if not isinstance(outcome, Pending):
                self.end(outcome)

    def _follow_reinstallation(self) -> None:
        """Go on with the filters that there are now, and have not been asked."""
        if self._chain is not self._filters.seats:
            self._asked += self._chain[: self._chain.index(self._seat) + 1]
            self._chain = self._filters.seats
            self._seats = iter([s for s in self._chain if s not in self._asked])

    def _heed(self, seat: Seat, verdict: Verdict) -> Dropped | None:
        """Act on a verdict, and return that the message is dropped if it is."""
        if isinstance(verdict, Drop):
            return Dropped(seat.name, verdict.reason)
        if isinstance(verdict, Replace):
            self._message = verdict.message
        return None
