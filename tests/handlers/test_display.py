from __future__ import annotations

import pytest

from tests.hub.doubles import World
from tests.link.frames import LINUX, WINDOWS, reply
from tests.wire.decoding import frame
from vdproxy.handlers.display import DisplayHandler, Options, make
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.interfaces import IMessageHandler
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import DisplayConfig, MonConfig, MonitorsConfig, Reply

GOOD = Reply(5, 1)
BAD = Reply(5, 2)

PLAIN = DisplayConfig(7, 0)
DEEP = DisplayConfig(8, 32)


def with_clients(*names, owner="last", word=WINDOWS):
    world = World(make(Options(owner)))
    world.guest.come_up(word)
    return world, *[world.ready_client(name=name) for name in names]


def test_it_says_what_it_is():
    handler = make(Options())
    assert isinstance(handler, DisplayHandler)
    assert IMessageHandler.providedBy(handler)
    assert handler.messages == (DisplayConfig,)
    assert handler.relayed == Capabilities.of(2, 4)
    assert not handler.provided


@pytest.mark.parametrize("error", [1, 2])
def test_a_configuration_is_forwarded_and_its_reply_returned(error):
    world, client, other = with_clients("", "")
    client.say(DEEP)
    assert world.guest.heard() == [DEEP]
    assert client.heard() == []
    world.guest.feed(reply(error, to=5))
    assert client.heard() == [Reply(5, error)]
    assert other.heard() == []
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_the_linux_agent_knows_none_and_all_get_an_error():
    world, client, other = with_clients("", "", owner="first", word=LINUX)
    client.say(PLAIN)
    other.say(DEEP)
    assert [client.heard(), other.heard()] == [[BAD], [BAD]]
    assert world.guest.heard() == []


def test_without_an_agent_there_is_an_error():
    world, client = with_clients("")
    world.guest.leave()
    client.say(PLAIN)
    assert client.heard() == [BAD]


def test_an_agent_that_does_not_reply_is_taken_to_have_obeyed():
    world, client = with_clients("", word=WINDOWS & ~4)
    client.say(PLAIN)
    assert world.guest.heard() == [PLAIN]
    assert client.heard() == [GOOD]
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("owner", "forwarded"),
    [("first", [0, 2]), ("last", [0, 1, 2, 3]), ("desk", [0, 2, 3]), ("wall", [1])],
)
def test_only_the_owners_are_forwarded_and_the_others_told_that_all_is_well(
    owner, forwarded
):
    """H24."""
    world, *clients = with_clients("desk", "wall", "desk", owner=owner)
    for number, client in enumerate([clients[0], clients[1], clients[0], clients[2]]):
        wanted = DisplayConfig(8, number)
        client.say(wanted)
        if number in forwarded:
            assert world.guest.heard() == [wanted]
            assert client.heard() == []
            world.guest.feed(reply(to=5))
        assert world.guest.heard() == []
        assert client.heard() == [GOOD]


def test_one_at_a_time_is_on_its_way_for_two_seconds():
    """H26."""
    world, first, second = with_clients("", "")
    first.say(PLAIN)
    second.say(DEEP)
    assert world.guest.heard() == [PLAIN]
    world.wait(2.125)
    assert first.heard() == [BAD]
    assert world.guest.heard() == [DEEP]
    world.guest.feed(reply(to=5))
    assert second.heard() == [GOOD]


@pytest.mark.parametrize("word", [WINDOWS, WINDOWS & ~4])
def test_an_agent_that_comes_up_is_told_the_owners_last(word):
    """H24."""
    world, first, second = with_clients("", "", owner="first")
    first.say(DEEP)
    world.guest.feed(reply(to=5))
    second.say(PLAIN)
    for client in (first, second):
        assert client.heard() == [GOOD]
    assert world.guest.start_anew(LINUX) == []
    assert world.guest.start_anew(word) == [DEEP]
    world.guest.feed(reply(to=5))
    for client in (first, second):
        assert not [m for m in client.heard() if isinstance(m, Reply)]
    first.leave()
    assert world.guest.start_anew(word) == [PLAIN]
    second.leave()
    assert world.guest.start_anew(word) == []
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_all_that_wait_get_an_error_when_the_agent_goes():
    world, first, second = with_clients("", "")
    first.say(PLAIN, DEEP)
    second.say(PLAIN)
    world.guest.leave()
    assert [first.heard(), second.heard()] == [[BAD, BAD], [BAD]]
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_a_bad_configuration_is_answered_with_an_error():
    world, client = with_clients("")
    client.feed(frame(5, b"?"))
    assert client.heard() == [BAD]
    assert world.guest.heard() == []


def test_what_the_guest_and_clients_say_amiss_is_ignored():
    world, client = with_clients("")
    world.guest.say(PLAIN)
    world.guest.feed(frame(5, b"?") + reply(to=5))
    client.feed(reply(to=5))
    assert client.heard() == []
    assert world.guest.heard() == []


def test_monitors_beside_it_have_their_own_replies():
    world = World(MonitorsHandler(), DisplayHandler())
    world.guest.come_up(WINDOWS)
    client = world.ready_client()
    layout = MonitorsConfig(0, (MonConfig(800, 600),))
    client.say(layout, PLAIN)
    assert world.guest.heard() == [layout, PLAIN]
    world.guest.feed(reply(2, to=5))
    assert client.heard() == [BAD]
    world.guest.feed(reply(1, to=2))
    assert client.heard() == [Reply(2, 1)]
