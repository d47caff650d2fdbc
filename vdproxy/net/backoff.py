"""How long to wait before the next try."""

from __future__ import annotations

from random import uniform

#: Seconds. The first delay is at least 0.1 s, far above the 30 ms that must lie
#: between leaving a guest's socket and coming back: a sooner question lands in the
#: middle of what QEMU still has of the old connection.
_FIRST = 0.15
_LONGEST = 5.0


class Backoff:
    """Delays that double from 0.1 s to 5 s, with jitter so that VMs spread out."""

    def __init__(self) -> None:
        self._next = _FIRST

    def delay(self) -> float:
        """Return the seconds to wait before the next try."""
        delay = self._next * uniform(2 / 3, 1)
        self._next = min(_LONGEST, self._next * 2)
        return delay

    def reset(self) -> None:
        """Begin again: the last try was a success."""
        self._next = _FIRST
