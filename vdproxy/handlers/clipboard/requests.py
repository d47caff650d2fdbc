"""
Who waits for the data of one selection, and what its owner has been asked.

An answer names no request: it may come late, out of order, as NONE, which names
no type, or in another type. So an owner is asked one thing at a time; equal
requests share an answer. The owner's slot stays taken until it has answered,
even if nobody waits any more, so that an answer is never taken for another's.
Whoever waits is answered in any case: after 2.5 seconds in which nothing of an
answer has come, with nothing. The Windows agent gives up after three seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from vdproxy.api import (
    VM,
    Capability,
    Client,
    ClipboardRequest,
    ClipboardType,
    MessageType,
    Peer,
    Selection,
    Sending,
)
from vdproxy.handlers.clipboard.alarm import Alarm

#: Seconds without progress after which those who wait are given nothing.
_PATIENCE = 2.5

#: Seconds after which an answer is expected no more.
_SLOT_SECONDS = 5.0

#: Requests of one peer that may wait; more are answered with nothing at once.
_MAX_WAITING = 64

#: What is kept of the guest's answers, bytes and seconds.
_MAX_CACHED = 4 * 1024 * 1024
_CACHE_SECONDS = 60.0

_NONE = ClipboardType.VD_AGENT_CLIPBOARD_NONE


class _Waiter(NamedTuple):
    """A peer that has asked for a type, and when."""

    peer: Peer
    type: int
    since: float


@dataclass(slots=True)
class _Slot:
    """What an owner was asked, and when; ``stale`` once it has grabbed anew."""

    type: int
    since: float
    stale: bool = False
    sending: Sending | None = None


def reaches(peer: Peer, selection: int) -> bool:
    """Tell whether *selection* can be talked about with *peer*."""
    return peer.can(Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND) and (
        selection == Selection.VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD
        or peer.agreed(Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION)
    )


def nothing(peer: Peer, type: int) -> int:
    """
    Return the type in which *peer* is told that it will not get the one it wants.

    To a NONE spice-vdagent (0.22.1) finds no request and lets its application wait
    on; it takes an answer of the type that was asked for, without data.
    """
    return _NONE if isinstance(peer, Client) or not has_serials(peer) else type


def has_serials(peer: Peer) -> bool:
    """Tell whether *peer* announces GRAB_SERIAL, as all but the Windows agent do."""
    return peer.can(Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL)


class Requests:
    """
    The requests for one selection.

    ``deliver`` gives a peer the data of a type; with NONE there are none.
    """

    def __init__(
        self,
        vm: VM,
        selection: int,
        deliver: Callable[[Peer, int, bytes], Sending | None],
    ) -> None:
        self._vm = vm
        self._selection = selection
        self._deliver = deliver
        self._owner: Peer | None = None
        self._answered = 0.0
        self._asked_for_guest = False
        self._waiting: list[_Waiter] = []
        #: How many of them are each peer's.
        self._waits_of: Counter[Peer] = Counter()
        self._slots: dict[Peer, _Slot] = {}
        self._cache: dict[int, bytes] = {}
        self._cached_at = 0.0
        self._alarm = Alarm(vm.clock, self._look)

    def asked(self, peer: Peer) -> float | None:
        """Return when *peer* was asked what it has not answered, None if nothing."""
        slot = self._slots.get(peer)
        return None if slot is None else slot.since

    def add(self, peer: Peer, type: int) -> None:
        """Have *peer* given the owner's data of a type, at once or in time."""
        now = self._vm.clock.seconds()
        waiter = _Waiter(peer, type, now)
        if type in self._cache:
            self._hand_over(waiter, type, self._cache[type])
        elif self._owner is None or self._waits_of[peer] >= _MAX_WAITING:
            self._give_nothing(waiter)
        else:
            self._waiting.append(waiter)
            self._waits_of[peer] += 1
            self._free_slots()
            self._ask_next()
            self._alarm.set(now + _PATIENCE)

    def answer(self, peer: Peer, type: int, data: bytes) -> None:
        """Take what *peer* answers, and give it to whoever waits for it."""
        slot = self._slots.pop(peer, None)
        if slot is None:
            return
        if peer is self._owner:
            self._answered = self._vm.clock.seconds()
        if not slot.stale:
            if peer is self._vm.guest:
                self._keep(type, data)
            for waiter in self._take(lambda waiter: waiter.type == slot.type):
                # An application in the guest waits for that type and no other.
                if waiter.peer is self._vm.guest and type != slot.type:
                    self._give_nothing(waiter)
                else:
                    self._hand_over(waiter, type, data)
        self._ask_next()

    def lost(self, peer: Peer) -> None:
        """Take note that what *peer* was asked, or its answer, was dropped."""
        slot = self._slots.pop(peer, None)
        if slot is not None and not slot.stale:
            for waiter in self._take(lambda waiter: waiter.type == slot.type):
                self._give_nothing(waiter)
        # What is asked next is not on account of that drop.
        self._alarm.set(self._vm.clock.seconds())

    def owner_changed(self, owner: Peer | None) -> None:
        """Give those who wait nothing: what they asked for is gone."""
        self._owner = owner
        self._asked_for_guest = False
        self._forget()
        for slot in self._slots.values():
            slot.stale = True
        if self._waiting:
            for waiter in self._take(lambda waiter: True):
                self._hand_over(waiter, _NONE, b"")

    def left(self, peer: Peer) -> None:
        """Expect nothing of *peer* any more, and owe it nothing."""
        self._slots.pop(peer, None)
        self._take(lambda waiter: waiter.peer is peer)

    def _give_nothing(self, waiter: _Waiter) -> None:
        self._hand_over(waiter, nothing(waiter.peer, waiter.type), b"")

    def _hand_over(self, waiter: _Waiter, type: int, data: bytes) -> None:
        """Give data to whom they are owed, who waits no longer than for the owner."""
        sending = self._deliver(waiter.peer, type, data)
        if sending is not None and sending.undecided:
            delay = max(0.0, self._deadline(waiter) - self._vm.clock.seconds())
            self._vm.clock.callLater(delay, sending.withhold, "no verdict in time")

    def _ask_next(self) -> None:
        """Ask the owner for what is wanted next: the guest's wish, then a client's."""
        owner = self._owner
        if owner is None or owner in self._slots or not self._waiting:
            return
        if not reaches(owner, self._selection):
            return
        guest = self._vm.guest
        was_for_guest = self._asked_for_guest
        waiter = min(self._waiting, key=lambda w: (w.peer is guest) == was_for_guest)
        self._asked_for_guest = waiter.peer is guest
        slot = self._slots[owner] = _Slot(waiter.type, self._vm.clock.seconds())
        slot.sending = owner.send(ClipboardRequest(self._selection, waiter.type))

    def _take(self, wanted: Callable[[_Waiter], bool]) -> list[_Waiter]:
        """Remove and return the waiters for which *wanted* holds."""
        taken = [waiter for waiter in self._waiting if wanted(waiter)]
        if taken:
            self._waiting = [w for w in self._waiting if not wanted(w)]
        for waiter in taken:
            self._waits_of[waiter.peer] -= 1
            if not self._waits_of[waiter.peer]:
                del self._waits_of[waiter.peer]
        return taken

    def _deadline(self, waiter: _Waiter) -> float:
        """Return until when a waiter waits, seconds."""
        since = waiter.since
        if self._owner is not None and self._has_patience(waiter.peer):
            coming = self._last_byte_of_data(self._owner)
            since = max(since, self._answered, coming or 0.0)
        return since + _PATIENCE

    def _last_byte_of_data(self, peer: Peer) -> float | None:
        """Return when clipboard data that are coming in from *peer* grew last."""
        coming = peer.assembling
        if coming is None or coming.number != MessageType.VD_AGENT_CLIPBOARD:
            return None
        return coming.last_byte

    def _has_patience(self, peer: Peer) -> bool:
        """
        Tell whether a peer waits longer for data that are on their way.

        Agents without GRAB_SERIAL are taken for Windows': what takes longer to
        arrive here than that agent waits is of no use to it.
        """
        return isinstance(peer, Client) or has_serials(peer)

    def _look(self) -> None:
        """Do what is due by now."""
        now = self._vm.clock.seconds()
        late = self._take(lambda waiter: self._deadline(waiter) <= now)
        if late and self._owner is not None:
            self._vm.log.info(
                "{peer} has not given its clipboard in {seconds} s",
                peer=self._owner.label,
                seconds=_PATIENCE,
            )
        for waiter in late:
            self._give_nothing(waiter)
        self._unask()
        self._free_slots()
        self._ask_next()
        if self._cached_at + _CACHE_SECONDS <= now:
            self._forget()
        self._wait()

    def _wait(self) -> None:
        """Look again when the next thing is due, if there is any."""
        due = [self._deadline(waiter) for waiter in self._waiting]
        due += [s.since + _SLOT_SECONDS for s in self._silent_slots().values()]
        if self._cache:
            due.append(self._cached_at + _CACHE_SECONDS)
        if due:
            self._alarm.set(min(due))

    def _unask(self) -> None:
        """Ask no more for what nobody wants, if filters have not let it pass."""
        wanted = {waiter.type for waiter in self._waiting}
        for slot in self._slots.values():
            if slot.sending is not None and slot.type not in wanted:
                slot.sending.withhold("no verdict in time")

    def _free_slots(self) -> None:
        """Expect no answer any more of those who have been silent for long."""
        now = self._vm.clock.seconds()
        for peer, slot in self._silent_slots().items():
            if slot.since + _SLOT_SECONDS <= now:
                del self._slots[peer]
                if slot.sending is not None:
                    slot.sending.cancel()

    def _silent_slots(self) -> dict[Peer, _Slot]:
        """Return the slots of those of whom no answer is on its way."""
        return {
            peer: slot
            for peer, slot in self._slots.items()
            if self._last_byte_of_data(peer) is None
        }

    def _keep(self, type: int, data: bytes) -> None:
        """Keep an answer of the guest for those who ask next."""
        cached = sum(len(other) for other in self._cache.values())
        if not data or type == _NONE or cached + len(data) > _MAX_CACHED:
            return
        if not self._cache:
            self._cached_at = self._vm.clock.seconds()
            self._alarm.set(self._cached_at + _CACHE_SECONDS)
        self._vm.keeps(len(data) - len(self._cache.get(type, b"")))
        self._cache[type] = data

    def _forget(self) -> None:
        if self._cache:
            self._vm.keeps(-sum(map(len, self._cache.values())))
            self._cache.clear()
