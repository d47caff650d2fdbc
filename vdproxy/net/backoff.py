"""How long to wait before the next try."""

from __future__ import annotations

from random import uniform

from twisted.internet.interfaces import IReactorTime

#: Seconds. The first delay is at least 0.1 s, far above the 30 ms that must lie
#: between leaving a guest's socket and coming back: a sooner question lands in the
#: middle of what QEMU still has of the old connection.
_FIRST = 0.15
_LONGEST = 5.0

#: Seconds between the moments for which tries are put off that have time: waking
#: costs more than a try, and so the process wakes once for all VMs that are due.
_BEAT = 0.25
_HAS_TIME = 1.0


class Backoff:
    """
    Delays that double from 0.1 s to 5 s, with jitter so that VMs spread out.

    Those of more than 1 s end with a quarter of a second by the clock.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._next = _FIRST

    def delay(self) -> float:
        """Return the seconds to wait before the next try."""
        delay = self._next * uniform(2 / 3, 1)
        self._next = min(_LONGEST, self._next * 2)
        if delay > _HAS_TIME:
            delay -= (self._clock.seconds() + delay) % _BEAT
        return delay

    def reset(self) -> None:
        """Begin again: the last try was a success."""
        self._next = _FIRST
