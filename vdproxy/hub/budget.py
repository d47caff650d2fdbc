"""What one process may hold and serve, and who waits for room in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from vdproxy.errors import Refused
from vdproxy.wire.constants import DEFAULT_MAX_MESSAGE

#: Payload bytes from which on a message is large: it may have to wait for room.
LARGE = 64 * 1024

#: Bytes by which a holding changes before anybody is told.
_STEP = 64 * 1024


@dataclass(frozen=True)
class Limits:
    """
    The options of one VM that bound what its peers may do.

    ``max_message`` and ``max_queued`` are in bytes, ``max_stall`` in seconds,
    ``max_rate`` in messages a second.
    """

    max_clients: int = 16
    max_message: int = DEFAULT_MAX_MESSAGE
    max_queued: int = 8 * 1024 * 1024
    max_stall: float = 10
    max_rate: int = 50_000


class Member(Hashable, Protocol):
    """Who stands in the line for room: a client amid a large message."""

    def wait_for_room(self) -> None:
        """Let no more of the message come."""

    def have_room(self) -> None:
        """Let the message go on."""

    def give_up(self, reason: str) -> None:
        """Let go of the message for good."""


@dataclass
class _Place:
    """Where a member stands: for which VM, and whether it waits."""

    share: Share
    waits: bool = False


class Budget:
    """
    The memory and the clients of all VMs of one process.

    ``limit`` sets the options ``max_memory`` (bytes), ``max_clients`` and
    ``max_clients_per_uid`` anew at any time, which harms nobody who is there.

    Large messages come in as they like in a VM that holds no more than is left over.
    Beyond that one at a time does, in the order in which they began, so that each
    finds the room to end; and none in a VM that holds three times what is left. So
    one whose guest reads nothing leaves room for the others, however many they are.
    The first that is limited so is given up if it is first for ``max_stall`` seconds
    while anybody waits: it finds no room, or leaves none.
    """

    def __init__(
        self,
        max_memory: int = 512 * 1024 * 1024,
        max_clients: int = 256,
        max_clients_per_uid: int = 128,
    ) -> None:
        self.max_memory = max_memory
        self.max_clients = max_clients
        self.max_clients_per_uid = max_clients_per_uid
        self.used = 0
        #: How many peers have said more than has been acted upon.
        self.backlogs = 0
        self._clients: Counter[int | None] = Counter()
        #: Who is amid a large message, in the order in which they began.
        self._line: dict[Member, _Place] = {}
        #: Whether one VM may have held more than was left over, at the last look.
        self._was_short = False
        self._first: Member | None = None
        self._timer: IDelayedCall | None = None

    def limit(
        self, max_memory: int, max_clients: int, max_clients_per_uid: int
    ) -> None:
        """Have these limits from now on."""
        self.max_memory = max_memory
        self.max_clients = max_clients
        self.max_clients_per_uid = max_clients_per_uid
        self._settle()

    @property
    def free(self) -> int:
        """Bytes that may still be held, fewer than 0 if there are too many."""
        return self.max_memory - self.used

    def admit(self, uid: int | None) -> None:
        """
        Count a client in; one whose *uid* is not known counts in all only.

        :raises Refused: there are as many as may be.
        """
        if self._clients.total() >= self.max_clients:
            raise Refused(
                f"{self.max_clients} clients are connected to all VMs, see max-clients"
            )
        if uid is not None and self._clients[uid] >= self.max_clients_per_uid:
            raise Refused(
                f"{self.max_clients_per_uid} clients of uid {uid} are connected, "
                "see max-clients-per-uid"
            )
        self._clients[uid] += 1

    def let_go(self, uid: int | None) -> None:
        """Count a client out."""
        self._clients[uid] -= 1
        if not self._clients[uid]:
            del self._clients[uid]

    def change(self, by: int) -> None:
        """Take note that so many bytes more are held."""
        self.used += by
        if self._line:
            self._settle()

    def join(self, member: Member, share: Share) -> None:
        """Have *member* of a VM stand in the line, last if it does not yet."""
        if member not in self._line:
            self._line[member] = _Place(share)
            self._settle()

    def leave(self, member: Member) -> None:
        """Let *member* out of the line, if it is there: its message has ended."""
        if self._line.pop(member, None) is not None:
            self._settle()

    def _settle(self) -> None:
        """Have those in the line wait, or go on, as is due now."""
        was_short, self._was_short = self._was_short, self.used > self.free
        if not (was_short or self._was_short):
            return
        first: Member | None = None
        free_turn, anybody_waits = True, False
        for member, place in list(self._line.items()):
            waits = False
            if place.share.limited:
                first = first or member
                waits = place.share.full or not free_turn
                free_turn = free_turn and waits
            anybody_waits = anybody_waits or waits
            if waits != place.waits:
                place.waits = waits
                if waits:
                    member.wait_for_room()
                else:
                    member.have_room()
        self._watch(first if anybody_waits else None)

    def _watch(self, first: Member | None) -> None:
        """Give the first its time, from when it has become that."""
        if first is self._first:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._first = first
        if first is not None:
            share = self._line[first].share
            stall = share.limits.max_stall
            self._timer = share.clock.callLater(stall, self._give_up, first, stall)

    def _give_up(self, first: Member, seconds: float) -> None:
        self._first = self._timer = None
        first.give_up(
            f"no end of its large message in {seconds:g} s while memory is short: "
            f"{self.used} bytes are held, see max-memory"
        )
        self._settle()


class Share:
    """One VM's part of the process: its ``limits``, and what it holds of the memory."""

    def __init__(self, budget: Budget, limits: Limits, clock: IReactorTime) -> None:
        self.limits = limits
        self.clock = clock
        self.used = 0
        self._budget = budget

    @property
    def limited(self) -> bool:
        """Whether large messages come in one at a time, if at all."""
        return self.used > self._budget.free

    @property
    def full(self) -> bool:
        """Whether no large message may come in."""
        return self.used > 3 * self._budget.free

    @property
    def backlogs(self) -> int:
        """How many peers of the process have said more than has been acted upon."""
        return self._budget.backlogs

    def change_backlogs(self, by: int) -> None:
        """Take note that one peer more, or fewer, has."""
        self._budget.backlogs += by

    def change(self, by: int) -> None:
        """Take note that so many bytes more are held."""
        self.used += by
        self._budget.change(by)

    def join(self, member: Member) -> None:
        """Have *member*, amid a large message, stand in the line for room."""
        self._budget.join(member, self)

    def leave(self, member: Member) -> None:
        """Let *member* out of the line: its message has ended."""
        self._budget.leave(member)


class Holding:
    """The bytes that somebody holds, as far as its VM's share knows."""

    __slots__ = ("_share", "size")

    def __init__(self, share: Share) -> None:
        self._share = share
        self.size = 0

    def set(self, size: int) -> None:
        """Take note of how many they are; small changes count later."""
        change = size - self.size
        if change and (not size or not -_STEP < change < _STEP):
            self.size = size
            self._share.change(change)
