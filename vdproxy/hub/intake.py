"""How much is read of one peer, and how much of that is acted upon at a time."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from vdproxy.hub.budget import Share
from vdproxy.hub.transport import Transport

#: Bytes above which a peer is not heard, and below which it is again: those that wait
#: for a client that does not read, besides one large message, or of a client for the
#: guest.
HIGH_WATER = 1024 * 1024
LOW_WATER = 256 * 1024

#: Messages that are acted upon before others have their turn, about 2 ms of work; as
#: many peers as have more to say share them, but each has a few.
_SLICE = 64
_FEW = 4

#: Messages after which it is worth a look at the clock how fast they came.
_WORTH_A_LOOK = 32

#: Bytes read from a peer that is paused before its transport is paused as well.
_MAX_HELD = 256 * 1024

#: Seconds' worth of messages that a client may send at once.
_BURST = 1.0


class Intake:
    """
    Whether one peer's transport is read: while nothing speaks against it.

    ``gives_way`` is true while others have their turn; *go_on* is called then.
    """

    def __init__(
        self, clock: IReactorTime, share: Share, go_on: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._share = share
        self._go_on = go_on
        self._transport: Transport | None = None
        self._against: set[str] = set()
        self._held = 0
        self._call: IDelayedCall | None = None
        self.gives_way = False

    def open(self, transport: Transport) -> None:
        """Begin with a new connection."""
        self._transport = transport

    def close(self) -> None:
        """Forget the connection, of which nothing is left to be acted upon."""
        self._transport = None
        self._against.clear()
        self._held = 0

    @property
    def slice(self) -> int:
        """How many messages may be acted upon now."""
        return max(_FEW, _SLICE // (1 + self._share.backlogs))

    def stop(self, why: str) -> None:
        """Read nothing more until ``read_on`` with the same reason."""
        if not self._against and self._transport is not None:
            self._transport.pauseProducing()
        self._against.add(why)

    def read_on(self, why: str) -> None:
        """Read again, if that was the last reason not to."""
        if why in self._against:
            self._against.remove(why)
            if not self._against and self._transport is not None:
                self._transport.resumeProducing()

    def hold(self, size: int) -> None:
        """Count what came while the peer was paused, and read no more than enough."""
        self._held += size
        if self._held > _MAX_HELD:
            self.stop("paused")

    def release(self) -> None:
        """Take note that what was held is acted upon."""
        self._held = 0
        self.read_on("paused")

    def give_way(self, seconds: float) -> None:
        """Let others have their turn, and so much time pass."""
        self.stop("others' turn")
        self._call = self._clock.callLater(seconds, self._take_turn)
        self.gives_way = True
        self._share.change_backlogs(1)

    def take_turns(self) -> None:
        """Act at once on all that has been read: nothing more will come."""
        while self._call is not None:
            self._call.cancel()
            self._take_turn()

    def _take_turn(self) -> None:
        self._call = None
        self.gives_way = False
        self._share.change_backlogs(-1)
        self._go_on()
        if not self.gives_way:
            self.read_on("others' turn")


class Pace:
    """How fast one client may send: ``max-rate``, and a second's worth at once."""

    def __init__(self, clock: IReactorTime, share: Share) -> None:
        self._clock = clock
        self._share = share
        self._uncounted = 0
        self._due = clock.seconds() - _BURST

    def wait_after(self, messages: int) -> float:
        """Return the seconds to wait after so many messages more."""
        self._uncounted += messages
        if self._uncounted < _WORTH_A_LOOK:
            return 0.0
        now = self._clock.seconds()
        took = self._uncounted / self._share.limits.max_rate
        self._uncounted = 0
        self._due = max(self._due, now - _BURST) + took
        return max(0.0, self._due - now)
