"""Whole messages on their way to one transport."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from vdproxy.wire.chunk import CutMessage


class Transport(Protocol):
    """What a hub asks of a transport: Twisted's stream transports have it."""

    def write(self, data: bytes) -> None: ...
    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...
    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...
    def loseConnection(self) -> None: ...
    def abortConnection(self) -> None: ...


@implementer(IPushProducer)
class Outbox:
    """
    Messages for one transport, in order, one after the other.

    ``size`` counts the bytes that the transport has not been given because it
    is full, ``count`` the messages that have not begun and ``largest`` the bytes
    of the largest since all had gone out; ``changed`` is called after each change.
    """

    def __init__(self, transport: Transport, changed: Callable[[], None]) -> None:
        self._transport = transport
        self._changed = changed
        self._waiting: deque[CutMessage] = deque()
        self._current: Iterator[bytes] = iter(())
        self._full = False
        self.size = 0
        self.largest = 0
        transport.registerProducer(self, True)

    @property
    def count(self) -> int:
        return len(self._waiting)

    def put(self, message: CutMessage) -> None:
        """Send *message* after those before it."""
        self._waiting.append(message)
        self.size += message.size
        self.largest = max(self.largest, message.size)
        self._write()

    def drop_waiting(self) -> None:
        """Drop the messages that have not begun, and finish the one that has."""
        self.size -= sum(message.size for message in self._waiting)
        self._waiting.clear()
        self._changed()

    def clear(self) -> None:
        """Drop everything that the transport has not been given."""
        self._waiting.clear()
        self._current = iter(())
        self.size = self.largest = 0
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
        self._write()

    def stopProducing(self) -> None:
        """Drop everything: the transport has gone."""
        self._full = True
        self.clear()

    def _write(self) -> None:
        """Give the transport what it has room for."""
        while not self._full:
            block = next(self._current, None)
            if block is not None:
                self.size -= len(block)
                self._transport.write(block)
            elif self._waiting:
                self._current = iter(self._waiting.popleft())
            else:
                self.largest = 0
                break
        self._changed()
