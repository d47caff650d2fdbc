"""A connection that is only what was written to it."""

from __future__ import annotations

from twisted.internet.interfaces import IPushProducer


class ModelTransport:
    """
    The hub's end of a connection to a model peer.

    ``written`` is all that the hub has sent. ``reading`` is false while the hub
    lets the peer wait, ``losing`` or ``aborted`` true once it has ended the
    connection. One that is *full* has the hub hold back what it would send, and
    with *room* it becomes full once so many bytes have been written.
    """

    def __init__(self, *, full: bool = False, room: int | None = None) -> None:
        self.written = bytearray()
        self.producer: IPushProducer | None = None
        self.reading = True
        self.losing = False
        self.aborted = False
        self._full = full
        self._room = room

    def write(self, data: bytes) -> None:
        assert isinstance(data, bytes)
        self.written += data
        if self._room is not None and len(self.written) >= self._room:
            self.fill()

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        assert self.producer is None
        assert streaming
        self.producer = producer
        if self._full:
            producer.pauseProducing()

    def unregisterProducer(self) -> None:
        self.producer = None

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True

    def loseConnection(self) -> None:
        self.losing = True

    def abortConnection(self) -> None:
        self.aborted = True

    def fill(self) -> None:
        """Be full: the peer reads nothing more."""
        self._full = True
        if self.producer is not None:
            self.producer.pauseProducing()

    def drain(self, room: int | None = None) -> None:
        """Have room again, for *room* bytes or for any number."""
        self._full = False
        self._room = None if room is None else len(self.written) + room
        if self.producer is not None:
            self.producer.resumeProducing()
