"""Writing at once what a VM has given its transports."""

from __future__ import annotations

import gc
import socket
from weakref import ref

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReadWriteDescriptor
from twisted.internet.protocol import Protocol
from twisted.internet.unix import Server
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure
from zope.interface import implementer

from vdproxy.hub.transport import Departures, widen


class Reactor:
    """A reactor, as far as it is told who has something to write."""

    def __init__(self):
        self.writers = set()
        self.addWriter = self.writers.add
        self.removeWriter = self.writers.discard

    def addReader(self, reader):  # noqa: N802 - Twisted's name
        pass

    removeReader = addReader  # noqa: N815 - Twisted's name


class Connection:
    """One end of a real connection, which the reactor has had no turn for."""

    def __init__(self):
        self.ours, theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.protocol = Protocol()
        reactor = Reactor()
        self.writers = reactor.writers
        self.transport = Server(theirs, self.protocol, None, None, 1, reactor)
        self.transport.repstr = "a connection"
        theirs.setblocking(False)
        self.protocol.makeConnection(self.transport)
        self.departures = Departures()

    def write(self, data):
        self.transport.write(data)
        self.departures.note(self.transport)

    def read(self):
        try:
            return self.ours.recv(2**20)
        except BlockingIOError:
            return None

    def close(self):
        self.ours.close()
        self.transport.connectionLost(Failure(ConnectionDone()))


def test_what_was_given_is_written_without_the_reactor():
    connection = Connection()
    connection.write(b"one ")
    connection.write(b"two")
    assert connection.read() is None
    connection.departures.go()
    assert connection.read() == b"one two"
    assert not connection.writers
    connection.write(b"three")
    connection.departures.go()
    assert connection.read() == b"three"
    connection.close()


def test_what_the_kernel_does_not_take_is_left_to_the_reactor():
    connection = Connection()
    data = bytes(2**22)
    connection.write(data)
    connection.departures.go()
    assert 0 < len(connection.read()) < len(data)
    assert connection.writers
    connection.close()


def test_the_reactor_is_told_of_a_connection_that_is_to_end_with_the_last_bytes():
    connection = Connection()
    connection.write(b"bye")
    connection.transport.loseConnection()
    connection.departures.go()
    assert connection.read() == b"bye"
    assert connection.writers
    connection.close()


def test_the_reactor_is_told_of_a_connection_that_has_broken():
    connection = Connection()
    connection.ours.close()
    connection.write(b"lost")
    connection.departures.go()
    assert connection.writers
    connection.close()


def test_a_transport_that_has_lost_its_connection_is_left_alone():
    connection = Connection()
    connection.write(b"late")
    connection.close()
    connection.departures.go()
    assert not connection.writers


def test_a_transport_that_is_forgotten_is_kept_nowhere():
    connection = Connection()
    connection.write(b"late")
    kept = ref(connection.transport)
    connection.departures.forget(connection.transport)
    connection.departures.forget(connection.transport)
    departures = connection.departures
    connection.close()
    del connection
    gc.collect()
    assert kept() is None
    departures.go()


def around(transport):
    """Return what TLS is: a transport that has another one's attributes besides."""
    wrapper = ProtocolWrapper(None, Protocol())
    wrapper.transport = transport
    return wrapper


class Foreign:
    """A frontend's transport, which has a method of that name by chance."""

    __slots__ = ()

    def doWrite(self):  # noqa: N802 - Twisted's name
        raise AssertionError("it is not Twisted's")


def test_only_twisteds_own_transports_are_written_and_widened():
    connection = Connection()
    stock = connection.transport.bufferSize
    for transport in (object(), Foreign(), around(connection.transport)):
        widen(transport)
        connection.departures.note(transport)
    connection.transport.write(b"later")
    connection.departures.go()
    assert connection.read() is None
    assert connection.transport.bufferSize == stock
    connection.close()


def test_a_transport_is_asked_once_for_what_it_was_given():
    @implementer(IReadWriteDescriptor)
    class Counting:
        connected = True
        asked = 0

        def doWrite(self):  # noqa: N802 - Twisted's name
            self.asked += 1

    transport, departures = Counting(), Departures()
    departures.note(transport)
    departures.note(transport)
    departures.go()
    departures.go()
    assert transport.asked == 1


def test_bulk_is_carried_in_larger_blocks_than_twisteds():
    connection = Connection()
    stock = connection.transport.bufferSize, connection.transport.SEND_LIMIT
    widen(connection.transport)
    wide = connection.transport.bufferSize, connection.transport.SEND_LIMIT
    assert wide[0] > stock[0]
    assert wide[1] > stock[1]
    connection.close()
