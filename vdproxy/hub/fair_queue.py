"""
What waits for the guest, from any number of clients: none keeps the others waiting.

Two kinds of messages take turns. Control messages, which are small, go first and
in the order they came; after 256 KiB of them bulk that waits has a turn. Bulk,
which carries data of any size, goes in one lane a client; the lanes are served by
bytes, whole messages at a time. Messages about the same subject (a selection, a
file transfer) never overtake one another.

A chunk of another message on the same port would end up inside the one that is
being sent, so while that is a large one control messages take the other port:
spice-vdagentd assembles each port's messages apart, and the Windows agent reads
any message on port 2 that is a single chunk.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Protocol

from vdproxy.wire.chunk import CutMessage
from vdproxy.wire.constants import Port

#: Bytes of a message from which on it is worth a detour over the other port.
_LARGE = 256 * 1024

#: Bytes of control messages after which bulk that waits has a turn.
_MAX_CONTROL = 256 * 1024

#: Bytes that a lane is charged at most for one message: after one of 100 MB its
#: client is not to wait until all the others have sent as much.
_MAX_CHARGE = 1024 * 1024


class Source(Hashable, Protocol):
    """Whose messages these are: a client, or the guest for what answers it."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...


class Lane:
    """Messages in a row; the next one's turn comes at ``due`` (bytes served)."""

    def __init__(self) -> None:
        self.waiting: deque[Queued] = deque()
        self.due = 0


class Queued:
    """
    One message on its way to the guest, on behalf of *source*.

    ``size`` is its bytes on the wire, ``lane`` where it was put to wait, and
    ``waits`` whether it still does.
    """

    def __init__(
        self,
        queue: FairQueue,
        message: CutMessage,
        source: Source,
        subject: Hashable = None,
    ) -> None:
        self._queue = queue
        self.message = message
        self.size = message.size
        self.source = source
        self.subject = subject
        self.lane: Lane | None = None
        self.waits = False

    def cancel(self) -> bool:
        """Do not send it, if that has not begun; tell whether that was so."""
        if not self.waits:
            return False
        self._queue.cancel(self)
        return True


class FairQueue:
    """
    The messages for one guest that have not begun to go out.

    ``cancelled`` is called when one of them has been taken out.
    """

    def __init__(self, cancelled: Callable[[], None]) -> None:
        self._cancelled = cancelled
        self.size = 0
        self._control = Lane()
        self._control_served = 0
        self._in_control: defaultdict[Hashable, int] = defaultdict(int)
        self._bulk: dict[Source, Lane] = {}
        self._now = 0
        self._current: Queued | None = None
        self._waits_of: defaultdict[Source, int] = defaultdict(int)
        #: The lane with bulk about a subject, and how many of its messages are.
        self._about: dict[Hashable, tuple[Lane, int]] = {}

    @property
    def count(self) -> int:
        return sum(len(lane.waiting) for lane in self._lanes())

    @property
    def sources(self) -> list[Source]:
        """The sources of what waits or is being sent."""
        return list(self._waits_of)

    def size_of(self, source: Source) -> int:
        """Return the bytes of *source* that wait, or whose message has not ended."""
        return self._waits_of.get(source, 0)

    def put(self, queued: Queued, *, bulk: bool) -> None:
        """Let a message wait for its turn."""
        queued.lane = self._lane_for(queued, bulk=bulk)
        queued.lane.waiting.append(queued)
        queued.waits = True
        if queued.lane is self._control:
            self._in_control[queued.subject] += 1
        self.size += queued.size
        self._waits_of[queued.source] += queued.size

    def cancel(self, queued: Queued) -> None:
        """Drop a message that waits."""
        self._remove(queued)
        self._cancelled()

    def pop(self) -> CutMessage | None:
        if self._current is not None:
            self._ended(self._current)
        self._current = self._next()
        if self._current is None:
            return None
        self._begun(self._current)
        return self._current.message

    def pop_between(self) -> CutMessage | None:
        if (
            self._current is None
            or self._current.lane is self._control
            or self._current.size <= _LARGE
            or not self._control.waiting
            or not self._control.waiting[0].message.fits_one_chunk
        ):
            return None
        queued = self._control.waiting.popleft()
        self._begun(queued)
        self._ended(queued)
        return replace(queued.message, port=Port.VDP_SERVER_PORT)

    def clear(self) -> None:
        for lane in self._lanes():
            for queued in list(lane.waiting):
                self._remove(queued)

    def _remove(self, queued: Queued) -> None:
        if queued.lane is not None and queued.waits:
            if queued.lane.waiting[-1] is queued:
                queued.lane.waiting.pop()
            else:
                queued.lane.waiting.remove(queued)
            self._begun(queued)
            self._ended(queued)

    def _lanes(self) -> tuple[Lane, ...]:
        return self._control, *self._bulk.values()

    def _lane_for(self, queued: Queued, *, bulk: bool) -> Lane:
        about = self._about.get(queued.subject)
        if about is not None:
            lane, count = about
        elif bulk:
            lane, count = self._lane_of(queued.source), 0
        else:
            return self._control
        if queued.subject is not None:
            self._about[queued.subject] = lane, count + 1
        return lane

    def _lane_of(self, source: Source) -> Lane:
        lane = self._bulk.setdefault(source, Lane())
        if not lane.waiting:
            # A lane that was empty has no claim to what it did not use.
            lane.due = max(lane.due, self._now)
        return lane

    def _next(self) -> Queued | None:
        """Return the next message, taken from where it waited."""
        if not self._control.waiting or self._control_served >= _MAX_CONTROL:
            queued = self._next_bulk()
            if queued is not None or not self._control.waiting:
                return queued
        queued = self._control.waiting.popleft()
        self._control_served += queued.size
        return queued

    def _next_bulk(self) -> Queued | None:
        """Return the next message of the lane that was served least."""
        self._control_served = 0
        waiting = [lane for lane in self._bulk.values() if lane.waiting]
        if not waiting:
            self._bulk.clear()
            self._now = 0
            return None
        if len(self._bulk) > len(self._waits_of):
            self._bulk = {
                source: lane
                for source, lane in self._bulk.items()
                if lane.waiting or lane.due > self._now
            }
        lanes = [lane for lane in waiting if not self._follows(lane.waiting[0])]
        if not lanes:
            return None
        lane = min(lanes, key=lambda lane: lane.due)
        self._now = lane.due
        queued = lane.waiting.popleft()
        lane.due += min(queued.size, _MAX_CHARGE)
        return queued

    def _follows(self, queued: Queued) -> bool:
        """Tell whether control about the same subject is still to go before this."""
        return queued.subject is not None and queued.subject in self._in_control

    def _begun(self, queued: Queued) -> None:
        if queued.lane is self._control:
            self._in_control[queued.subject] -= 1
            if not self._in_control[queued.subject]:
                del self._in_control[queued.subject]
        queued.waits = False
        self.size -= queued.size

    def _ended(self, queued: Queued) -> None:
        self._waits_of[queued.source] -= queued.size
        if not self._waits_of[queued.source]:
            del self._waits_of[queued.source]
        if queued.lane is not self._control and queued.subject is not None:
            lane, count = self._about[queued.subject]
            if count > 1:
                self._about[queued.subject] = lane, count - 1
            else:
                del self._about[queued.subject]
