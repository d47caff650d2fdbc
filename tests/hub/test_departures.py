"""Peers that are gone before what is under way with them is done."""

from __future__ import annotations

import pytest

from tests.hub.doubles import PINGS, Ping, Recorder, Relay, World, logged, up_world
from tests.hub.faults import (
    SLOW,
    WITH_PINGS,
    Judge,
    Picky,
    Stubborn,
    chain,
    ping,
)
from tests.link.frames import CLIPBOARD, LINUX, announce
from tests.wire.decoding import frame
from vdproxy.wire.messages import AnnounceCapabilities

ONE, TWO, THREE = map(ping, (1, 2, 3))
ANEW = "is made anew"


def test_a_guest_that_is_left_is_not_heard_any_more():
    handler = Recorder(Ping)
    world = up_world(handler)
    world.wait(60)
    handler.forget()
    world.guest.feed(frame(CLIPBOARD, bytes(100))[:50])
    world.hub.guest.leave("a test")
    world.guest.say(Ping(b"?"))
    assert handler.calls == [("guest_lost",)]
    assert world.hub.guest.state == "down"
    assert not world.guest.transport.aborted


def test_no_agent_is_lost_with_a_guest_that_is_left_without_one():
    handler = Recorder()
    world = World(handler)
    world.hub.guest.leave("a test")
    world.guest.connect()
    world.hub.guest.leave("a test")
    assert world.hub.guest.state == "down"
    assert handler.told("guest_lost") == []


def test_the_end_of_a_connection_counts_once():
    handler = Recorder()
    world = up_world(handler)
    world.guest.leave()
    world.hub.guest.disconnected("it had ended before")
    assert handler.told("guest_lost") == [("guest_lost",)]
    assert world.hub.guest.unread is None


def test_a_connection_may_end_while_handlers_are_told_that_the_agent_is_lost():
    class Ending(Recorder):
        def guest_lost(self):
            super().guest_lost()
            world.guest.leave()

    handler = Ending()
    world = up_world(handler)
    world.guest.feed(announce(1, LINUX))
    assert world.hub.guest.state == "down"
    assert handler.told("guest_lost") == [("guest_lost",)]


def test_a_doubt_about_an_agent_whose_connection_ends_at_once_ends_no_other():
    class Doubting(Recorder):
        def received(self, peer, message):
            peer.doubt("a handler says so")
            world.guest.leave()

    world = up_world(Doubting(Ping))
    with logged() as lines:
        world.guest.say(Ping(b"?"))
    assert world.hub.guest.state == "down"
    assert not lines.having(ANEW)


def test_a_client_that_is_disconnected_over_what_was_judged_is_heard_no_more():
    class Strict(Relay):
        def received(self, peer, message):
            super().received(peer, message)
            peer.disconnect("a handler says so")

    slow = Picky(only="in")
    handler = Strict(Ping, relayed=PINGS)
    world = World(handler, filters=[slow])
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    client.say(SLOW, ONE)
    slow.questions[0].say()
    assert handler.told("received") == [("received", client.peer, SLOW)]


def test_a_filter_may_disconnect_a_client_and_take_its_time_all_the_same():
    answer = Stubborn()

    def judge(way, peer, message):
        if way == "out" and message == TWO:
            peer.disconnect("a filter says so")
            return answer
        return None

    slow = Picky(only="out")
    world, client = chain(slow, Judge(judge))
    world.guest.say(SLOW, TWO, THREE)
    slow.questions[0].say()
    assert client.transport.losing
    assert answer.cancelled
    assert client.heard() == [SLOW]


@pytest.mark.parametrize("to", ["guest", "client"])
def test_a_peer_may_leave_while_a_filter_is_asked_what_to_tell_it(to):
    def judge(way, peer, message):
        if way == "out" and message == TWO:
            ends[to].leave()

    world, client = chain(Judge(judge))
    ends = {"guest": world.guest, "client": client}
    peer = ends[to].peer
    peer.send(ONE)
    peer.send(TWO)
    peer.send(THREE)
    assert ends[to].heard() == [ONE]
    assert world.hub.guest.up == (to == "client")
    assert world.hub.clients == ([client.peer] if to == "guest" else [])


def test_a_client_may_leave_while_a_filter_is_asked_what_to_offer_it():
    def judge(way, peer, message):
        if isinstance(message, AnnounceCapabilities) and peer is not world.hub.guest:
            client.leave()

    world = World(Relay(Ping, relayed=PINGS), filters=[Judge(judge)])
    client = world.client(WITH_PINGS)
    world.guest.come_up(WITH_PINGS)
    assert client.heard() == []
    assert world.hub.clients == []
    assert world.hub.guest.up
