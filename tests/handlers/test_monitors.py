from __future__ import annotations

import pytest

from tests.hub.doubles import World, logged, monitors_world
from tests.link.frames import LINUX, WINDOWS, monitors_config, reply
from tests.wire.decoding import frame
from vdproxy.handlers.monitors import MonitorsHandler, Options, make
from vdproxy.interfaces import IMessageHandler
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import MonConfig, MonitorsConfig, Reply

GOOD = Reply(2, 1)
BAD = Reply(2, 2)


def config(width, height=600):
    return MonitorsConfig(0, (MonConfig(width, height),))


def with_clients(count, word=LINUX):
    world = World(MonitorsHandler())
    world.guest.come_up(word)
    return world, *[world.ready_client() for _ in range(count)]


def test_it_says_what_it_is():
    handler = make(Options())
    assert isinstance(handler, MonitorsHandler)
    assert IMessageHandler.providedBy(handler)
    assert handler.messages == (MonitorsConfig,)
    assert handler.relayed == Capabilities.of(1, 2, 7, 12)
    assert not handler.provided


@pytest.mark.parametrize(
    "wanted",
    [
        config(800),
        MonitorsConfig(
            1, (MonConfig(800, 600), MonConfig(0, 0), MonConfig(8, 6, x=-8))
        ),
        MonitorsConfig(3, (MonConfig(800, 600, width_mm=300, height_mm=200),)),
        MonitorsConfig(0, ()),
        MonitorsConfig(0, tuple(MonConfig(n, n) for n in range(64))),
    ],
    ids=["one", "places", "millimetres", "none", "many"],
)
@pytest.mark.parametrize("word", [LINUX, WINDOWS])
@pytest.mark.parametrize("error", [1, 2])
def test_a_configuration_is_forwarded_and_its_reply_returned(wanted, word, error):
    world, client, other = with_clients(2, word)
    client.say(wanted)
    assert world.guest.heard() == [wanted]
    assert client.heard() == []
    world.guest.say(Reply(2, error))
    assert client.heard() == [Reply(2, error)]
    assert other.heard() == []


@pytest.mark.parametrize("port", [0, 1, 2])
def test_a_reply_counts_on_every_port_of_the_guest(port):
    world, client = with_clients(1)
    client.say(config(800))
    world.guest.feed(reply(port=port))
    assert client.heard() == [GOOD]


@pytest.mark.parametrize("port", [1, 2])
def test_a_reply_is_returned_on_the_port_that_asked(port):
    world, client = with_clients(1)
    client.feed(monitors_config(port=port))
    world.guest.feed(reply())
    assert client.heard_on_ports() == [(GOOD, port)]


def test_one_configuration_at_a_time_is_on_its_way():
    """H26."""
    world, first, second = with_clients(2)
    first.say(config(1))
    second.say(config(2))
    assert world.guest.heard() == [config(1)]
    world.guest.feed(reply(1))
    assert first.heard() == [GOOD]
    assert second.heard() == []
    assert world.guest.heard() == [config(2)]
    world.guest.feed(reply(2))
    assert second.heard() == [BAD]
    assert first.heard() == []


def test_clients_have_their_turns_in_the_order_they_asked():
    world, *clients = with_clients(4)
    for number, client in enumerate(clients):
        client.say(config(number))
    heard = []
    for _ in clients:
        heard += world.guest.heard()
        world.guest.feed(reply())
    assert heard == [config(number) for number in range(4)]
    assert [client.heard() for client in clients] == [[GOOD]] * 4


@pytest.mark.parametrize("error", [1, 2])
def test_of_what_waits_only_the_newest_of_a_client_is_sent_and_all_are_owed(error):
    world, client, other = with_clients(2)
    client.say(config(1))
    client.say(config(2), config(3), config(4))
    other.say(config(9))
    assert world.guest.heard() == [config(1)]
    world.guest.feed(reply())
    assert client.heard() == [GOOD]
    assert world.guest.heard() == [config(4)]
    world.guest.feed(reply(error))
    assert client.heard() == [Reply(2, error)] * 3
    assert world.guest.heard() == [config(9)]


def test_the_guest_is_left_with_what_was_asked_for_last():
    world, busy, first, second = with_clients(3)
    busy.say(config(0))
    first.say(config(1))
    second.say(config(2))
    first.say(config(3))
    heard = world.guest.heard()
    for _ in range(3):
        world.guest.feed(reply())
        heard += world.guest.heard()
    assert heard == [config(0), config(2), config(3)]
    assert first.heard() == [GOOD, GOOD]
    assert second.heard() == [GOOD]


def test_after_two_seconds_without_a_reply_there_is_an_error():
    world, client = with_clients(1)
    client.say(config(1))
    world.wait(1.875)
    assert client.heard() == []
    with logged() as lines:
        world.wait(0.25)
    assert client.heard() == [BAD]
    assert len(lines.having("VD_AGENT_MONITORS_CONFIG")) == 1
    world.wait(10)
    assert client.heard() == []


def test_after_two_seconds_the_next_has_its_turn_and_its_own_two_seconds():
    """H26."""
    world, first, second = with_clients(2)
    first.say(config(1))
    world.wait(1)
    second.say(config(2), config(3))
    world.wait(1.125)
    assert world.guest.heard() == [config(1), config(3)]
    assert second.heard() == []
    world.wait(1.75)
    assert second.heard() == []
    world.wait(0.25)
    assert second.heard() == [BAD, BAD]


def test_a_reply_in_time_ends_the_waiting():
    world, client = with_clients(1)
    client.say(config(1))
    world.wait(1.75)
    world.guest.feed(reply())
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []
    assert client.heard() == [GOOD]


def test_a_late_reply_and_one_that_nobody_asked_for_go_to_nobody():
    """H26."""
    world, client, other = with_clients(2)
    world.guest.feed(reply())
    client.say(config(1))
    world.wait(3)
    client.heard()
    world.guest.feed(reply())
    assert client.heard() == []
    assert other.heard() == []


def test_a_late_reply_is_taken_for_one_to_what_is_on_its_way():
    """H26: nothing tells them apart, and each asker gets one answer."""
    world, client = with_clients(1)
    client.say(config(1))
    world.wait(2.125)
    client.say(config(2))
    assert client.heard() == [BAD]
    world.guest.feed(reply())
    world.guest.feed(reply())
    assert client.heard() == [GOOD]


@pytest.mark.parametrize("payload", [b"", b"\2\0\0\0"])
def test_a_bad_reply_answers_nobody_and_the_two_seconds_go_on(payload):
    world, client = with_clients(1)
    client.say(config(1))
    world.guest.feed(frame(3, payload))
    assert client.heard() == []
    world.wait(2.125)
    assert client.heard() == [BAD]


def test_an_error_of_another_number_is_an_error():
    world, client = with_clients(1)
    client.say(config(1))
    world.guest.feed(reply(77))
    assert client.heard() == [BAD]


def test_a_configuration_of_the_guests_is_ignored():
    world, client = with_clients(1)
    world.guest.say(config(1))
    world.guest.feed(frame(2, b"?"))
    assert client.heard() == []
    assert world.guest.heard() == []


def test_a_reply_to_something_else_is_not_taken_for_this_one():
    world, client = with_clients(1)
    client.say(config(1))
    world.guest.feed(reply(to=5))
    assert client.heard() == []
    world.guest.feed(reply())
    assert client.heard() == [GOOD]


def test_a_clients_reply_answers_nobody():
    world, client, other = with_clients(2)
    client.say(config(1))
    other.feed(reply())
    client.feed(reply())
    assert client.heard() == []
    assert world.guest.heard() == [config(1)]


def test_while_the_guest_is_down_there_is_an_error_at_once():
    world, client = with_clients(1)
    world.guest.leave()
    client.say(config(1), config(2))
    assert client.heard() == [BAD, BAD]
    world.wait(5)
    assert client.heard() == []


def test_while_the_agent_has_not_answered_there_is_an_error_at_once():
    world, client = with_clients(1)
    world.guest.announce(1)
    client.say(config(1))
    assert client.heard() == [BAD]


@pytest.mark.parametrize("word", [0, LINUX & ~2])
def test_an_agent_that_cannot_is_not_asked(word):
    world, client = with_clients(1, word)
    client.say(config(1), config(2))
    assert client.heard() == [BAD, BAD]
    assert world.guest.heard() == []
    world.wait(5)
    assert client.heard() == []


@pytest.mark.parametrize(
    "lose",
    [lambda world: world.guest.leave(), lambda world: world.guest.announce(1)],
    ids=["end", "new agent"],
)
def test_when_the_agent_is_lost_all_that_wait_get_an_error(lose):
    world, first, second = with_clients(2)
    first.say(config(1), config(2), config(3))
    second.say(config(4))
    lose(world)
    assert first.heard() == [BAD] * 3
    assert second.heard() == [BAD]
    world.wait(10)
    assert first.heard() == []


def test_a_client_that_has_gone_is_owed_nothing_and_waits_for_nothing():
    world, gone, busy, other = with_clients(3)
    busy.say(config(1))
    gone.say(config(2))
    other.say(config(3))
    gone.leave()
    world.guest.feed(reply())
    world.guest.feed(reply())
    assert world.guest.heard() == [config(1), config(3)]
    assert busy.heard() == [GOOD]
    assert other.heard() == [GOOD]


def test_the_reply_for_a_client_that_has_gone_goes_to_nobody():
    world, gone, other = with_clients(2)
    gone.say(config(1))
    other.say(config(2))
    gone.leave()
    assert world.guest.heard() == [config(1)]
    world.guest.feed(reply(2))
    assert other.heard() == []
    assert world.guest.heard() == [config(2)]
    world.guest.feed(reply())
    assert other.heard() == [GOOD]


def test_a_client_that_begins_anew_is_owed_nothing_from_before():
    world, client = with_clients(1)
    client.announce(1)
    client.say(config(1), config(2))
    client.announce(1)
    client.say(config(3))
    client.heard()
    world.guest.feed(reply(2))
    assert client.heard() == []
    world.guest.feed(reply(1))
    assert world.guest.heard() == [config(1), config(3)]
    assert client.heard() == [GOOD]


def test_a_client_that_has_not_announced_itself_is_answered_as_well():
    world = monitors_world()
    client = world.client()
    client.heard()
    client.say(config(1))
    assert world.guest.heard() == [config(1)]
    world.guest.feed(reply())
    assert client.heard() == [GOOD]


def test_a_client_that_never_announced_itself_and_has_gone_waits_for_nothing():
    world = monitors_world()
    client, other = world.client(), world.ready_client()
    other.say(config(1))
    client.say(config(2))
    client.leave()
    world.guest.feed(reply())
    assert world.guest.heard() == [config(1)]


@pytest.mark.parametrize("payload", [b"", b"\xff" * 8, b"\1\0\0\0" + bytes(23)])
def test_a_bad_configuration_is_answered_with_an_error(payload):
    world, client = with_clients(1)
    client.feed(frame(2, payload))
    assert client.heard() == [BAD]
    assert world.guest.heard() == []


def test_a_bad_configuration_in_between_disturbs_no_other():
    world, client = with_clients(1)
    client.say(config(1))
    client.feed(frame(2, b"?"))
    assert client.heard() == [BAD]
    world.guest.feed(reply())
    assert client.heard() == [GOOD]


def test_when_vdproxy_stops_all_that_wait_get_an_error():
    world, first, second = with_clients(2)
    first.say(config(1), config(2))
    second.say(config(3))
    world.hub.stop()
    assert first.heard() == [BAD, BAD]
    assert second.heard() == [BAD]
    for client in (first, second):
        client.leave()
    world.guest.leave()
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_an_agent_that_does_not_reply_is_taken_to_have_obeyed():
    world, client = with_clients(1, Capabilities.of(1).to_words()[0])
    for width in (800, 900):
        client.say(config(width))
        assert world.guest.heard() == [config(width)]
        assert client.heard() == [GOOD]
    world.wait(5)
    assert client.heard() == []
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_a_client_is_owed_no_more_than_32_replies():
    """H39."""
    world, client = with_clients(1)
    client.say(config(1))
    assert world.guest.heard() == [config(1)]
    client.say(*[config(width) for width in range(2, 100)])
    assert client.heard() == [BAD] * (98 - 32)
    world.guest.say(GOOD)
    assert client.heard() == [GOOD]
    assert world.guest.heard() == [config(99)], "the newest is the one that counts"
    world.guest.say(GOOD)
    assert client.heard() == [GOOD] * 32
