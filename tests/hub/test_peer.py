from __future__ import annotations

import pytest

from tests.hub.doubles import (
    GTK,
    FakeTransport,
    Ping,
    Recorder,
    World,
    monitors_world,
    up_world,
)
from tests.link.frames import LINUX, announce
from vdproxy.errors import LocalProtocolError
from vdproxy.hub.peer import Incoming
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import Clipboard, MonConfig, MonitorsConfig, Reply

CONFIG = MonitorsConfig(0, (MonConfig(800, 600),))


@pytest.fixture(params=["guest", "client"])
def end(request):
    """Return one end after the other, negotiated."""
    handler = Recorder(Ping)
    world = up_world(handler)
    world.handler = handler
    end = world.guest if request.param == "guest" else world.ready_client()
    end.world = world
    return end


def test_a_peer_is_heard_again_when_resumed_as_often_as_paused(end):
    end.peer.pause()
    end.peer.pause()
    assert end.peer.paused
    end.peer.resume()
    assert end.peer.paused
    end.peer.resume()
    assert not end.peer.paused


def told(end):
    return [call[2] for call in end.world.handler.told("received")]


def test_what_a_peer_says_in_a_pause_is_acted_upon_after_it_and_in_order(end):
    end.say(Ping(b"1"))
    end.peer.pause()
    end.say(Ping(b"2"))
    stream = end.spell(Ping(b"3"))
    end.feed(stream[:9])
    assert told(end) == [Ping(b"1")]
    end.peer.resume()
    assert told(end) == [Ping(b"1"), Ping(b"2")]
    end.feed(stream[9:])
    assert told(end) == [Ping(b"1"), Ping(b"2"), Ping(b"3")]


def test_a_pause_counts_between_two_messages_of_one_read(end):
    handler = end.world.handler
    receive = handler.received

    def receive_and_pause(peer, message):
        receive(peer, message)
        peer.pause()

    handler.received = receive_and_pause
    end.say(Ping(b"1"), Ping(b"2"), Ping(b"3"))
    for count in (1, 2, 3):
        assert len(told(end)) == count
        end.peer.resume()


def test_no_more_than_enough_is_read_in_a_pause(end):
    end.peer.pause()
    end.say(Ping(bytes(200 * 1024)))
    assert end.transport.reading
    end.say(Ping(bytes(100 * 1024)))
    assert not end.transport.reading
    end.peer.resume()
    assert end.transport.reading
    assert [len(message.data) for message in told(end)] == [200 * 1024, 100 * 1024]


def test_a_client_is_read_when_nothing_speaks_against_it_any_more():
    world = up_world(Recorder(Ping))
    client = world.ready_client(transport=FakeTransport())
    client.peer.wait_for_room()
    client.peer.pause()
    client.feed(client.spell(Ping(bytes(300 * 1024))))
    client.peer.have_room()
    assert client.transport.reading is False
    client.peer.resume()
    assert client.transport.reading is True


def test_what_a_peer_cannot_be_told_is_known_while_it_is_there():
    world = World(Recorder(Ping))
    unknown = Clipboard(9, 1, b"xyz")
    world.hub.guest.check(unknown)
    world.guest.come_up()
    with pytest.raises(LocalProtocolError):
        world.hub.guest.check(unknown)
    world.guest.leave()
    world.hub.guest.check(unknown)


def test_a_guest_that_is_paused_is_not_taken_for_a_silent_one():
    world = up_world(Recorder(Ping))
    world.hub.guest.pause()
    world.guest.announce(1)
    world.guest.say(Ping(b"?"))
    world.wait(10)
    assert world.hub.guest.up
    world.hub.guest.resume()
    assert not world.hub.guest.up


def test_a_resume_too_many_takes_back_nothing(end):
    end.peer.resume()
    end.peer.pause()
    assert end.peer.paused


def test_a_pause_does_not_stop_what_is_sent(end):
    end.peer.pause()
    end.peer.send(Ping(b"?"))
    assert end.heard() == [Ping(b"?")]


def test_the_message_that_is_coming_in_can_be_seen(end):
    end.world.clock.advance(7)
    stream = end.spell(Ping(b"four"))
    assert end.peer.assembling is None
    end.feed(stream[:-3])
    assert end.peer.assembling == Incoming(200, 1, 4, 7.0)
    end.world.clock.advance(0.25)
    end.feed(stream[-3:-1])
    assert end.peer.assembling == Incoming(200, 3, 4, 7.25)
    end.feed(stream[-1:])
    assert end.peer.assembling is None


def test_bytes_that_wait_are_counted(end):
    assert end.peer.queued == 0
    end.transport.fill()
    end.peer.send(Ping(b"four"))
    assert end.peer.queued == 32
    end.transport.drain()
    assert end.peer.queued == 0


def test_of_a_peer_that_has_gone_nothing_is_left(end):
    end.transport.fill()
    end.peer.send(Ping(b"?"))
    end.feed(end.spell(Ping(b"?"))[:20])
    end.leave()
    assert end.peer.offered is None
    assert end.peer.announced is None
    assert end.peer.assembling is None
    assert end.peer.queued == 0
    written = bytes(end.transport.written)
    end.peer.send(Ping(b"?"))
    end.peer.pause()
    end.peer.resume()
    assert end.transport.written == written


def test_a_pause_outlives_the_guests_connection():
    world = World()
    world.hub.guest.pause()
    transport = FakeTransport()
    world.guest.connect(transport)
    world.guest.announce(0, LINUX)
    assert not world.hub.guest.up
    world.hub.guest.resume()
    assert world.hub.guest.up


def test_what_was_announced_can_be_asked():
    world = monitors_world()
    client = world.client()
    assert world.hub.guest.announced == Capabilities(LINUX)
    assert world.hub.guest.offered == Capabilities.of(1, 2, 12)
    assert client.peer.announced is None
    assert client.peer.offered == Capabilities.of(1, 2, 7, 13)
    client.negotiate()
    assert client.peer.announced == Capabilities(GTK)


SELECTION, BY_DEMAND, FILES = 6, 5, 13


def test_what_a_client_can_do_is_known_once_it_has_announced_itself():
    world = up_world(Recorder(Ping, relayed=Capabilities.of(5, 6)))
    peer = world.client(GTK).peer
    assert not peer.can(SELECTION)
    assert not peer.agreed(SELECTION)
    client = world.ready_client(Capabilities.of(6, 13).bits)
    can = [client.peer.can(number) for number in (SELECTION, BY_DEMAND, FILES)]
    agreed = [client.peer.agreed(number) for number in (SELECTION, BY_DEMAND, FILES)]
    assert can == [True, False, True]
    assert agreed == [True, False, True]
    client.leave()
    assert not client.peer.can(SELECTION)
    assert not client.peer.agreed(SELECTION)


def test_with_a_client_no_more_is_agreed_than_it_was_told():
    world = up_world(Recorder(Ping, relayed=Capabilities.of(5)))
    peer = world.ready_client(GTK).peer
    assert peer.can(SELECTION)
    assert not peer.agreed(SELECTION)
    assert peer.agreed(BY_DEMAND)


def test_what_a_client_announces_without_an_offer_is_not_agreed():
    client = World(Recorder(Ping)).client()
    client.announce(0, GTK)
    assert client.peer.can(SELECTION)
    assert not client.peer.agreed(SELECTION)


def test_what_the_guest_can_do_is_known_while_its_agent_is_up():
    world = World(Recorder(Ping, relayed=Capabilities.of(5, 6)))
    guest, word = world.hub.guest, Capabilities.of(6, 7).bits

    def known():
        numbers = (SELECTION, BY_DEMAND, 7)
        return [(guest.can(number), guest.agreed(number)) for number in numbers]

    nothing = [(False, False)] * 3
    assert known() == nothing
    world.guest.connect()
    assert known() == nothing
    world.guest.announce(0, word)
    assert known() == [(True, True), (False, False), (True, False)]
    world.guest.leave()
    assert known() == nothing


@pytest.mark.parametrize(
    "stream", [announce(1, LINUX), b"\xff" * 100], ids=["new", "out of step"]
)
def test_a_guest_whose_agent_was_lost_can_do_nothing(stream):
    world = up_world(Recorder(Ping))
    assert world.hub.guest.can(SELECTION)
    world.guest.feed(stream)
    assert not world.hub.guest.can(SELECTION)


def test_the_guest_and_a_client_say_who_they_are():
    world = World()
    named = world.client(name="desk", frontend="vdi")
    unnamed = world.client(frontend="vdi")
    assert (world.hub.guest.name, world.hub.guest.label) == ("guest", "guest")
    assert (world.hub.guest.frontend, world.hub.guest.uid) == ("", None)
    assert (named.peer.name, named.peer.label) == ("desk", "desk#1")
    assert (unnamed.peer.name, unnamed.peer.label) == ("", "vdi#2")
    assert (named.peer.frontend, named.peer.uid) == ("vdi", 1000)


def test_what_comes_in_grows_by_its_own_bytes_alone():
    world = up_world(Recorder(Ping))
    client = world.ready_client()
    data = client.spell(Ping(bytes(5000)))
    client.feed(data[:2056])
    before = client.peer.assembling
    world.wait(1)
    client.say(Reply(2, 1), port=2)
    assert client.peer.assembling == before
    client.feed(data[2056:2164])
    grown = client.peer.assembling
    assert (grown.received, grown.last_byte) == (before.received + 100, 1.0)
    client.feed(data[2164:])
    assert client.peer.assembling is None


def test_a_pause_ends_with_the_connection():
    world = up_world()
    world.guest.peer.pause()
    world.guest.leave()
    world.guest.come_up()
    assert world.hub.guest.up
