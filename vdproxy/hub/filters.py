"""The filters of one VM, in their order: each message passes them or does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

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
        seats = self.seats
        outcome = _ask(seats, direction, peer, message)
        if isinstance(outcome, _Held):
            return Judgement(self, direction, peer, seats, outcome)
        return outcome

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
            if not (seat.benched or seat.call(auditor.decided, decision)):
                seat.bench_if_failing()

    def _seat(self, seats: Sequence[Seat]) -> None:
        #: The filters in their places.
        self.seats = tuple(seats)
        self._auditors = tuple(
            (seat, seat.plugin) for seat in seats if isinstance(seat.plugin, Auditor)
        )

    def on_account_of(self, dropped: Dropped | None) -> _OnAccount:
        """Let what is sent meanwhile ask no filter if it makes up for a drop."""
        return _OnAccount(self, dropped)


class _OnAccount:
    """Sets a drop as the account of what is sent in a ``with`` block."""

    __slots__ = ("_account", "_filters")

    def __init__(self, filters: Filters, dropped: Dropped | None) -> None:
        self._filters = filters
        self._account = dropped

    def __enter__(self) -> None:
        filters = self._filters
        filters.account, self._account = self._account, filters.account

    def __exit__(self, *_: object) -> None:
        self._filters.account = self._account


class _Held(NamedTuple):
    """That a filter takes its time over a message, as others have left it."""

    seat: Seat
    wait: Wait
    message: Message


def _ask(
    seats: Iterable[Seat], direction: Direction, peer: Peer, message: Message
) -> Message | Dropped | _Held:
    """Ask filters, first to last, up to one that drops *message* or takes its time."""
    for seat in seats:
        answer = seat.judge(direction, peer, message)
        if answer is None:
            continue
        if isinstance(answer, Wait):
            return _Held(seat, answer, message)
        if isinstance(answer, Drop):
            return Dropped(seat.name, answer.reason)
        message = answer.message
    return message


class Judgement(Pending):
    """
    One message on its way through the filters, of which one takes its time.

    *seats* are those that were to be asked when the message was *held*.
    """

    def __init__(
        self,
        filters: Filters,
        direction: Direction,
        peer: Peer,
        seats: tuple[Seat, ...],
        held: _Held,
    ) -> None:
        super().__init__()
        self._filters = filters
        self._direction = direction
        self._peer = peer
        self._asked: tuple[Seat, ...] = ()
        self._hold(seats, held)

    def _hold(self, seats: tuple[Seat, ...], held: _Held) -> None:
        """Wait for the one of these filters that takes its time."""
        self._seat, self._wait, self._message = held
        self._asked += seats[: seats.index(self._seat) + 1]
        self.filter = self._seat.name
        self._wait.listener = self._answered

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
            verdict = seat.verdict(answer, self._direction, self._peer, self._message)
            if isinstance(verdict, Drop):
                self.end(Dropped(seat.name, verdict.reason))
                return
            message = self._message if verdict is None else verdict.message
            # They may be others by now.
            rest = tuple(s for s in self._filters.seats if s not in self._asked)
            outcome = _ask(rest, self._direction, self._peer, message)
            if isinstance(outcome, _Held):
                self._hold(rest, outcome)
            else:
                self.end(outcome)
