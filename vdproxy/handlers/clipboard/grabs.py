"""
How often a selection may change hands.

A peer that grabs without end would keep the agent and all other peers busy, so over
``max-grabs`` GRABs a second only its newest counts. And two desktops that share a
clipboard by a second way (VNC's, another proxy, a nested VM) answer each other's
GRABs for ever: after a few changes between the same two within two seconds the
next has to wait. No GRAB is lost by that unless a newer one takes its place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple
from weakref import WeakKeyDictionary

from twisted.internet.interfaces import IReactorTime

from vdproxy.api import VM, Peer
from vdproxy.handlers.clipboard.alarm import Alarm

#: Seconds in which a peer may grab as often as it may.
_PERIOD = 1.0

#: Changes of owner between the same two peers within so many seconds after which
#: the next is held for as long.
_MAX_CHANGES = 4
_LOOP_SECONDS = 2.0


class _Held(NamedTuple):
    """What a GRAB says that waits until it is ``due``, by the VM's clock."""

    types: tuple[int, ...]
    due: float


class GrabRates:
    """
    How often each peer has grabbed of late, whatever selection.

    Up to *most* of its GRABs in a second take effect at once.
    """

    def __init__(self, clock: IReactorTime, most: int) -> None:
        self._clock = clock
        self._most = most
        self._grabs: WeakKeyDictionary[Peer, deque[float]] = WeakKeyDictionary()

    def delay(self, peer: Peer) -> float:
        """Return the seconds until the next GRAB of *peer* may take effect."""
        grabs = self._grabs.get(peer)
        if grabs is None or len(grabs) < self._most:
            return 0.0
        return max(0.0, grabs[0] + _PERIOD - self._clock.seconds())

    def count(self, peer: Peer) -> None:
        """Take note of a GRAB that takes effect now."""
        grabs = self._grabs.get(peer)
        if grabs is None:
            grabs = self._grabs[peer] = deque(maxlen=self._most)
        grabs.append(self._clock.seconds())

    def forget(self, peer: Peer) -> None:
        """Take note that *peer* has left, or begins anew with no more than it may."""
        if not self.delay(peer):
            self._grabs.pop(peer, None)


class GrabGate:
    """
    Lets the GRABs of one selection take effect, at once or when it is time.

    ``apply`` is what one does. Of those that are held the newest takes effect and
    ends the others, as does one that need not be held.
    """

    def __init__(
        self,
        vm: VM,
        rates: GrabRates,
        apply: Callable[[Peer, tuple[int, ...]], None],
    ) -> None:
        self._vm = vm
        self._rates = rates
        self._apply = apply
        self._held: dict[Peer, _Held] = {}
        self._alarm = Alarm(vm.clock, self._release)
        self._quiet_until = 0.0
        self._owner: Peer | None = None
        self._changes: deque[tuple[float, frozenset[Peer]]] = deque(maxlen=_MAX_CHANGES)

    def grab(self, peer: Peer, types: tuple[int, ...]) -> None:
        """Let *peer* grab when it may."""
        now = self._vm.clock.seconds()
        held = self._held.pop(peer, None)
        due = held.due if held else now + self._delay(peer)
        if due <= now:
            self._let_through(peer, types)
            return
        self._held[peer] = _Held(types, due)
        self._wait()
        if now >= self._quiet_until:
            self._quiet_until = now + _LOOP_SECONDS
            self._vm.log.warn(
                "a grab of {peer} is held for {delay:.1f} s: "
                "clipboards change too often",
                peer=peer.label,
                delay=due - now,
            )

    def cancel(self, peer: Peer) -> bool:
        """Drop a GRAB of *peer* that is held; tell whether there was one."""
        held = self._held.pop(peer, None)
        self._wait()
        return held is not None

    def forget(self, peer: Peer) -> None:
        """Take note that *peer* has left, or begins anew."""
        self.cancel(peer)
        self._quiet_until = 0.0
        self._rates.forget(peer)
        self._changes = deque(
            (change for change in self._changes if peer not in change[1]),
            maxlen=_MAX_CHANGES,
        )
        if self._owner is peer:
            self._owner = None

    def _delay(self, peer: Peer) -> float:
        return max(self._rates.delay(peer), self._loop_delay(peer))

    def _loop_delay(self, peer: Peer) -> float:
        if peer is self._owner:
            return 0.0
        pair = frozenset((peer, self._owner))
        since = self._vm.clock.seconds() - _LOOP_SECONDS
        recent = [time for time, who in self._changes if who == pair and time > since]
        return _LOOP_SECONDS if len(recent) >= _MAX_CHANGES else 0.0

    def _let_through(self, peer: Peer, types: tuple[int, ...]) -> None:
        self._held.clear()
        self._rates.count(peer)
        if self._owner is not None and self._owner is not peer:
            pair = frozenset((peer, self._owner))
            self._changes.append((self._vm.clock.seconds(), pair))
        self._owner = peer
        self._apply(peer, types)

    def _wait(self) -> None:
        """Wait until the newest of those that are held is due."""
        if self._held:
            newest = next(reversed(self._held.values()))
            self._alarm.set(newest.due)

    def _release(self) -> None:
        """Let the newest of those that are held take effect, if it is due."""
        if not self._held:
            return
        peer, newest = next(reversed(self._held.items()))
        if newest.due <= self._vm.clock.seconds():
            self._let_through(peer, newest.types)
        else:
            self._wait()
