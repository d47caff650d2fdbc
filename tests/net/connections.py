"""Endpoints and transports in memory, as those who connect to QEMU know them."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure


class Transport(StringTransport):
    """A transport that loses its connection as soon as it is aborted."""

    protocol = None

    def abortConnection(self):
        super().abortConnection()
        if self.protocol is not None:
            protocol, self.protocol = self.protocol, None
            protocol.connectionLost(Failure(ConnectionDone()))


def open_one(factory):
    """Connect one more guest to *factory*; return its protocol and transport."""
    protocol = factory.buildProtocol(None)
    transport = Transport()
    transport.protocol = protocol
    protocol.makeConnection(transport)
    return protocol, transport


class Endpoint:
    """Connects, or fails with the next of *errors*; ``hang`` leaves tries open."""

    def __init__(self, clock):
        self.clock = clock
        self.errors = []
        self.hang = False
        self.times = []
        self.opened = []
        self.cancelled = 0

    def connect(self, factory):
        self.times.append(self.clock.seconds())
        connecting = Deferred(self._cancel)
        if self.errors:
            connecting.errback(self.errors.pop(0))
        elif not self.hang:
            self.opened.append(open_one(factory))
            connecting.callback(self.opened[-1][0])
        return connecting

    def _cancel(self, _connecting):
        self.cancelled += 1

    def lose(self):
        protocol, transport = self.opened[-1]
        transport.protocol = None
        protocol.connectionLost(Failure(ConnectionDone()))


def advance_until(clock, condition, seconds=6.0):
    """Advance by a millisecond until *condition* holds."""
    for _ in range(int(seconds * 1000)):
        if condition():
            return
        clock.advance(0.001)
    raise AssertionError(f"not in {seconds} s")
