"""Whole messages on their way to one transport."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from vdproxy.hub.transport import Departures, Transport
from vdproxy.wire.chunk import CutMessage


class Queue(Protocol):
    """What waits for a transport: ``size`` bytes in ``count`` messages."""

    @property
    def size(self) -> int: ...
    @property
    def count(self) -> int: ...

    def pop(self) -> CutMessage | None:
        """Return the message to go out next; the one before it has ended."""

    def pop_between(self) -> CutMessage | None:
        """Return a message that may go out between two chunks of the last one."""

    def clear(self) -> None:
        """Drop what waits; the message that was popped last may still end."""


class Fifo:
    """
    Messages in the order in which they came.

    Of those in a row that share their data, as the answers to one question asked
    twice do, the data count once in ``size``. ``largest`` is the size in bytes of
    the largest since all had gone out.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[CutMessage, int]] = deque()
        self._data = b""
        self.size = 0
        self.largest = 0

    @property
    def count(self) -> int:
        return len(self._waiting)

    def put(self, message: CutMessage) -> None:
        size = message.size
        if message.data and message.data is self._data:
            size -= len(message.data)
        self._data = message.data
        self._waiting.append((message, size))
        self.size += size
        self.largest = max(self.largest, size)

    def pop(self) -> CutMessage | None:
        if not self._waiting:
            self._data = b""
            self.largest = 0
            return None
        message, size = self._waiting.popleft()
        self.size -= size
        return message

    def pop_between(self) -> None:
        return None

    def clear(self) -> None:
        self._waiting.clear()
        self._data = b""
        self.size = self.largest = 0


@implementer(IPushProducer)
class Outbox:
    """
    Gives one transport what a queue holds, one message after the other.

    ``size`` counts the bytes that the transport has not been given because it
    is full, ``given`` those that it has been given; ``changed`` is called after each
    change.
    """

    def __init__(
        self,
        transport: Transport,
        queue: Queue,
        departures: Departures,
        changed: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._departures = departures
        self._queue = queue
        self._changed = changed
        self._current: Iterator[bytes] = iter(())
        self._left = 0
        self._full = False
        self.given = 0
        transport.registerProducer(self, True)

    @property
    def size(self) -> int:
        return self._queue.size + self._left

    @property
    def count(self) -> int:
        """The messages that have not begun."""
        return self._queue.count

    def drop_waiting(self) -> None:
        """Drop the messages that have not begun, and finish the one that has."""
        self._queue.clear()
        self._changed()

    def clear(self) -> None:
        """Drop everything that the transport has not been given."""
        self._queue.clear()
        self._queue.pop()
        self._current = iter(())
        self._left = 0
        self._changed()

    def close(self) -> None:
        """Let go of the transport; what it has not been given is dropped."""
        self.clear()
        self._transport.unregisterProducer()

    def pauseProducing(self) -> None:
        """Hold messages back: the transport is full."""
        self._full = True

    def resumeProducing(self) -> None:
        """Go on: the transport has room."""
        self._full = False
        self.write()

    def stopProducing(self) -> None:
        """Drop everything: the transport has gone."""
        self._full = True
        self.clear()

    def pass_on(self, message: CutMessage) -> bool:
        """
        Give the transport a message of one write, if it has room; tell whether.

        Nothing waits then, since ``write`` leaves nothing while there is room; so the
        queue need not know of it.
        """
        if self._full or not message.fits_one_write:
            return False
        self._give(b"".join(message))
        return True

    def write(self) -> None:
        """Give the transport what it has room for."""
        while not self._full:
            between = self._queue.pop_between() if self._left else None
            if between is not None:
                self._give(b"".join(between))
                continue
            block = next(self._current, None)
            if block is not None:
                self._left -= len(block)
                self._give(block)
                continue
            message = self._queue.pop()
            if message is None:
                break
            self._current, self._left = iter(message), message.size
        self._changed()

    def _give(self, data: bytes) -> None:
        self.given += len(data)
        self._transport.write(data)
        self._departures.note(self._transport)
