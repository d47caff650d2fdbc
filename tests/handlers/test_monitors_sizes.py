"""Agents before 0.23, which ignore a configuration with physical sizes."""

from __future__ import annotations

import pytest

from tests.hub.doubles import World, logged, monitors_world
from tests.link.frames import LINUX, WINDOWS, reply
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.wire.messages import MonConfig, MonitorsConfig, Reply

GOOD = Reply(2, 1)
BAD = Reply(2, 2)


def sized(width):
    monitors = (
        MonConfig(width, 600, x=-5, width_mm=300, height_mm=200),
        MonConfig(0, 0),
    )
    return MonitorsConfig(3, monitors)


def plain(width, flags=1):
    return MonitorsConfig(flags, (MonConfig(width, 600, x=-5), MonConfig(0, 0)))


def told_to_an_old_agent(world, client, width):
    """Ask for sizes; return what the agent hears that knows none."""
    client.say(sized(width))
    heard = world.guest.heard()
    if heard == [sized(width)]:
        world.wait(2.125)
        heard += world.guest.heard()
    world.guest.feed(reply())
    assert client.heard() == [GOOD]
    return heard


def worlds_client():
    world = monitors_world()
    return world, world.ready_client()


def test_a_configuration_with_sizes_that_nobody_answers_is_sent_without():
    world, client = worlds_client()
    client.say(sized(1))
    assert world.guest.heard() == [sized(1)]
    world.wait(1.875)
    assert world.guest.heard() == []
    with logged() as lines:
        world.wait(0.25)
        assert world.guest.heard() == [plain(1)]
        world.guest.feed(reply())
    assert client.heard() == [GOOD]
    assert len(lines.having("does not know monitors' physical sizes")) == 1
    assert not lines.having("has not replied")
    world.wait(10)
    assert client.heard() == []
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_an_error_to_the_second_is_the_answer():
    world, client = worlds_client()
    client.say(sized(1))
    world.wait(2.125)
    world.guest.feed(reply(2))
    assert client.heard() == [BAD]


def test_the_second_has_two_seconds_of_its_own_and_then_there_is_one_error():
    world, client = worlds_client()
    client.say(sized(1))
    world.wait(3.875)
    assert world.guest.heard() == [sized(1), plain(1)]
    assert client.heard() == []
    with logged() as lines:
        world.wait(0.25)
    assert client.heard() == [BAD]
    assert len(lines.having("has not replied")) == 1
    world.wait(10)
    assert client.heard() == []
    assert world.guest.heard() == []
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_an_agent_that_was_silent_altogether_is_not_taken_for_an_old_one():
    world, client = worlds_client()
    client.say(sized(1))
    world.wait(5)
    assert client.heard() == [BAD]
    world.guest.heard()
    client.say(sized(2))
    assert world.guest.heard() == [sized(2)]
    world.guest.feed(reply())
    assert client.heard() == [GOOD]


def test_of_an_old_agent_it_is_remembered_for_all_clients():
    world, client = worlds_client()
    other = world.ready_client()
    assert told_to_an_old_agent(world, client, 1) == [sized(1), plain(1)]
    assert told_to_an_old_agent(world, client, 2) == [plain(2)]
    assert told_to_an_old_agent(world, other, 3) == [plain(3)]


def test_what_waits_while_an_agent_turns_out_to_be_old_is_sent_without_sizes():
    world, client = worlds_client()
    client.say(sized(1), sized(2))
    world.wait(2.125)
    world.guest.heard()
    world.guest.feed(reply())
    assert world.guest.heard() == [plain(2)]
    world.guest.feed(reply())
    assert client.heard() == [GOOD, GOOD]


def test_a_silent_old_agent_is_asked_once():
    world, client = worlds_client()
    told_to_an_old_agent(world, client, 1)
    client.say(sized(2))
    world.wait(2.125)
    assert world.guest.heard() == [plain(2)]
    assert client.heard() == [BAD]


@pytest.mark.parametrize(
    "come",
    [
        lambda guest: guest.announce(1, LINUX),
        lambda guest: (guest.leave(), guest.connect(), guest.heard()),
    ],
    ids=["new agent", "new connection"],
)
def test_the_next_agent_is_told_the_sizes_again(come):
    world, client = worlds_client()
    told_to_an_old_agent(world, client, 1)
    come(world.guest)
    world.guest.heard()
    world.guest.announce(0, LINUX)
    assert world.guest.heard() == [sized(1)]
    world.wait(2.125)
    assert world.guest.heard() == [plain(1)]
    world.guest.feed(reply())
    assert client.heard() == []
    assert told_to_an_old_agent(world, client, 2) == [plain(2)]


def test_an_agent_that_goes_during_the_second_is_not_taken_for_an_old_one():
    world, client = worlds_client()
    client.say(sized(1))
    world.wait(2.125)
    world.guest.start_anew()
    assert client.heard() == [BAD]
    world.guest.feed(reply())
    client.say(sized(2))
    assert world.guest.heard() == [sized(2)]
    world.guest.feed(reply())
    assert client.heard() == [GOOD]


def test_of_an_agent_that_answers_in_time_nothing_is_kept_back():
    world, client = worlds_client()
    for width in (1, 2, 3):
        client.say(sized(width))
        world.wait(1.75)
        assert world.guest.heard() == [sized(width)]
        world.guest.feed(reply())
        assert client.heard() == [GOOD]


def test_a_configuration_without_sizes_is_sent_once():
    world, client = worlds_client()
    client.say(plain(1, flags=0))
    world.wait(5)
    assert world.guest.heard() == [plain(1, flags=0)]
    assert client.heard() == [BAD]


def test_a_client_that_leaves_meanwhile_does_not_stop_the_second():
    world, client = worlds_client()
    other = world.ready_client()
    client.say(sized(1))
    client.leave()
    world.wait(2.125)
    assert world.guest.heard() == [sized(1), plain(1)]
    world.guest.feed(reply())
    other.say(sized(2))
    assert world.guest.heard() == [plain(2)]


def test_a_stop_between_the_two_is_one_error():
    world, client = worlds_client()
    client.say(sized(1))
    world.wait(2.125)
    world.hub.stop()
    assert client.heard() == [BAD]
    client.leave()
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


@pytest.mark.parametrize("word", [LINUX, WINDOWS])
def test_monitors_that_are_off_are_told_to_agents_that_know_what_that_is(word):
    off, on = MonConfig(0, 0), MonConfig(640, 480)
    for sparse in (True, False):
        world = World(MonitorsHandler())
        world.guest.come_up(word if sparse else word & ~(1 << 7))
        client = world.ready_client()
        client.say(MonitorsConfig(0, (off, on, off)))
        told = (off, on, off) if sparse else (on,)
        assert world.guest.heard() == [MonitorsConfig(0, told)]
