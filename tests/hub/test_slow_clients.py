"""Clients that read slowly, or nothing: they cost little and harm nobody."""

from __future__ import annotations

import pytest

from tests.hub.doubles import FakeTransport, Ping, Recorder, Relay, logged, up_world

MIB = 1024 * 1024
LARGE = Ping(b"x" * 3 * MIB)


@pytest.fixture
def world():
    return up_world(Relay(Ping))


@pytest.fixture
def slow(world):
    """Return a client that is ready and reads nothing more."""
    client = world.ready_client(name="slow")
    client.transport.fill()
    return client


def send(client, mebibytes):
    for _ in range(mebibytes):
        client.peer.send(Ping(b"x" * MIB))


def test_one_that_reads_nothing_for_ten_seconds_is_dropped(world, slow):
    slow.peer.send(Ping(b"?"))
    world.wait(9.9)
    assert not slow.transport.losing
    with logged() as lines:
        world.wait(0.2)
    assert slow.transport.losing
    (line,) = lines
    assert (line["vm"], line["client"]) == ("one", "slow#1")
    assert line["reason"] == "it has read nothing in 10 s: 29 bytes wait"


def test_the_time_counts_from_when_something_waits(world, slow):
    world.wait(60)
    slow.peer.send(Ping(b"?"))
    world.wait(9.9)
    assert not slow.transport.losing


def test_one_that_catches_up_has_its_time_anew(world, slow):
    for _ in range(5):
        slow.peer.send(Ping(b"?"))
        world.wait(6)
        slow.transport.drain()
        slow.transport.fill()
    assert not slow.transport.losing


def test_one_that_has_read_everything_is_watched_no_more(world, slow):
    slow.peer.send(Ping(b"?"))
    world.wait(6)
    slow.transport.drain()
    world.wait(60)
    assert world.clock.getDelayedCalls() == []
    slow.transport.fill()
    slow.peer.send(Ping(b"?"))
    world.wait(9.9)
    assert not slow.transport.losing
    world.wait(0.2)
    assert slow.transport.losing


def test_a_large_message_goes_on_as_long_as_some_of_it_is_read(world, slow):
    slow.peer.send(LARGE)
    for _ in range(20):
        slow.transport.drain(room=1)
        world.wait(9)
        assert not slow.transport.losing
    world.wait(1.1)
    assert slow.transport.losing


def test_how_long_is_an_option():
    world = up_world(Relay(Ping), max_stall=2)
    slow = world.ready_client(transport=FakeTransport())
    slow.transport.fill()
    slow.peer.send(Ping(b"?"))
    world.wait(2.1)
    assert slow.transport.losing


def test_how_much_may_wait_is_an_option():
    world = up_world(Relay(Ping), max_queued=2 * MIB)
    slow = world.ready_client()
    slow.transport.fill()
    send(slow, 2)
    assert not slow.transport.losing
    send(slow, 2)
    assert slow.transport.losing


def test_one_that_leaves_while_something_waits_leaves_nothing_behind(world, slow):
    slow.peer.send(Ping(b"?"))
    slow.leave()
    with logged() as lines:
        world.wait(60)
    assert not lines.having("disconnected")


def test_one_that_does_not_read_is_not_heard_until_it_has(world, slow):
    send(slow, 3)
    assert slow.peer.paused
    world.guest.heard()
    slow.say(Ping(b"unheard"))
    assert world.guest.heard() == []
    slow.transport.drain()
    assert not slow.peer.paused
    assert world.guest.heard() == [Ping(b"unheard")]


def test_one_is_heard_again_when_a_little_is_left(world, slow):
    send(slow, 3)
    slow.transport.drain(room=MIB)
    assert slow.peer.queued > MIB
    assert slow.peer.paused
    slow.transport.drain(room=int(1.5 * MIB))
    assert 0 < slow.peer.queued < MIB
    assert not slow.peer.paused


def test_one_that_is_sent_a_large_message_is_heard_meanwhile(world, slow):
    slow.peer.send(LARGE)
    slow.peer.send(Ping(b"x" * 900_000))
    assert not slow.peer.paused
    world.guest.heard()
    slow.say(Ping(b"heard"))
    assert world.guest.heard() == [Ping(b"heard")]


def test_it_pauses_and_resumes_itself_alone():
    world = up_world(Relay(Ping))
    slow, other = world.ready_client(), world.ready_client()
    slow.transport.fill()
    slow.peer.pause()
    send(slow, 3)
    slow.transport.drain()
    assert slow.peer.paused, "a handler has paused it"
    slow.peer.resume()
    assert not slow.peer.paused
    assert not other.peer.paused


def test_one_that_asks_and_does_not_read_costs_little():
    class Echo(Recorder):
        def received(self, peer, message):
            peer.send(message)

    world = up_world(Echo(Ping))
    slow = world.ready_client()
    slow.transport.fill()
    for _ in range(1000):
        slow.say(Ping(b"x" * 64 * 1024))
    assert not slow.transport.losing
    assert slow.peer.queued < 1.5 * MIB
    assert not slow.transport.reading
    world.wait(10.1)
    assert slow.transport.losing


def test_it_delays_nobody(world, slow):
    other = world.ready_client()
    for number in range(9):
        world.guest.say(Ping(bytes([number]) * MIB))
        assert other.heard() == [Ping(bytes([number]) * MIB)]
    assert slow.transport.losing or slow.peer.queued
    assert world.guest.transport.reading
