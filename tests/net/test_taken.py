"""Whether all that was sent has been read."""

from __future__ import annotations

import socket

import pytest
from twisted.internet.task import Clock

from vdproxy.net.taken import untaken, when_taken


class Writer:
    """A transport on a socket, and the reactor that may still have to write."""

    def __init__(self, handle):
        self.handle = handle
        self.reactor = self
        self.writing = []

    def getHandle(self):  # noqa: N802 - Twisted's name
        return self.handle

    def getWriters(self):  # noqa: N802 - Twisted's name
        return self.writing


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


class Look:
    """What ``when_taken`` has told so far."""

    def __init__(self, transport, queued=()):
        self.clock = Clock()
        self.queued = list(queued)
        self.told = []
        taken = when_taken(transport, lambda: sum(self.queued), self.clock)
        taken.addCallback(self.told.append)

    def after(self, seconds):
        for _ in range(round(seconds / 0.01)):
            self.clock.advance(0.01)
        return self.told


def test_where_nothing_was_sent_it_is_told_at_once(ends):
    assert Look(Writer(ends[0])).told == [True]


def test_it_waits_until_the_other_end_has_read(ends):
    ours, theirs = ends
    ours.send(b"abc")
    look = Look(Writer(ours))
    assert look.after(1) == []
    theirs.recv(2)
    assert look.after(0.1) == []
    theirs.recv(1)
    assert look.after(0.02) == [True]
    assert look.clock.getDelayedCalls() == []


def test_it_waits_for_what_the_transport_has_not_been_given(ends):
    look = Look(Writer(ends[0]), queued=[1])
    assert look.after(0.1) == []
    look.queued.clear()
    assert look.after(0.02) == [True]


def test_it_waits_for_what_the_transport_has_not_written(ends):
    writer = Writer(ends[0])
    writer.writing.append(writer)
    look = Look(writer)
    assert look.after(0.1) == []
    writer.writing.clear()
    assert look.after(0.02) == [True]


def test_it_waits_for_three_seconds_and_no_longer(ends):
    ends[0].send(b"abc")
    look = Look(Writer(ends[0]))
    assert look.after(2.9) == []
    assert look.after(0.2) == [False]


def test_one_that_has_lost_its_socket_waits_for_nothing(ends):
    ends[0].send(b"abc")
    writer = Writer(ends[0])
    look = Look(writer)
    # As Twisted does when the connection is lost.
    writer.getHandle = lambda: ends.socket
    assert look.after(0.02) == [True]


@pytest.mark.parametrize("transport", [object(), Writer(None), Writer("x")])
def test_without_a_socket_nothing_is_left_to_be_taken(transport):
    assert untaken(transport) == 0
