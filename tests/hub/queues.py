"""Fair queues for tests, which think in sizes on the wire."""

from __future__ import annotations

from vdproxy.hub.fair_queue import FairQueue, Queued
from vdproxy.wire.chunk import CutMessage

MIB = 1024 * 1024

#: A larger message is worth a detour.
LARGE = 256 * 1024


def of_size(size):
    """Return the payload of a message that has *size* bytes on the wire."""
    chunks = -(-size // 2056)
    payload = bytes(size - 20 - 8 * chunks)
    assert CutMessage(200, payload).size == size
    return payload


class Queue(FairQueue):
    """A fair queue to which messages are put by their source and size."""

    def __init__(self):
        super().__init__(self._note_cancelled)
        self.times_cancelled = 0
        self._numbers = iter(range(1, 1_000_000))

    def _note_cancelled(self):
        self.times_cancelled += 1

    def add(self, source="a", size=100, *, subject=None, bulk=False):
        message = CutMessage(next(self._numbers), of_size(size))
        sending = Queued(self, message, source, subject)
        self.put(sending, bulk=bulk)
        return sending

    def add_many(self, source, size, count):
        return [self.add(source, size, bulk=True) for _ in range(count)]

    def rest(self):
        """Pop everything."""
        popped = []
        while (message := self.pop()) is not None:
            popped.append(message)
        return popped


def messages(*sendings):
    return [sending.message for sending in sendings]
