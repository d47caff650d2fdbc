"""One timer for many deadlines."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Alarm:
    """
    Has *ring* called when something may be due, by the VM's clock.

    It is never put off: ``ring`` looks what is due by then, and sets it anew for what
    is not. So a deadline that is met, as nearly all are, costs no timer of its own.
    """

    def __init__(self, clock: IReactorTime, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._due = inf
        self._call: IDelayedCall | None = None

    def set(self, due: float) -> None:
        """Ring at *due*, seconds, if not before."""
        if self._call is not None and self._call.active():
            if self._due <= due:
                return
            self._call.cancel()
        self._due = due
        delay = max(0.0, due - self._clock.seconds())
        self._call = self._clock.callLater(delay, self._rung)

    def _rung(self) -> None:
        self._due = inf
        self._call = None
        self._ring()
