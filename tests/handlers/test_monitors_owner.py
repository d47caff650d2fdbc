"""Whose configuration counts, and what an agent that comes up is told."""

from __future__ import annotations

import pytest

from tests.hub.doubles import GTK, World
from tests.link.frames import LINUX, WINDOWS, reply
from vdproxy.handlers.monitors import Options, make
from vdproxy.wire.messages import ClientDisconnected, MonConfig, MonitorsConfig, Reply

GOOD = Reply(2, 1)
BAD = Reply(2, 2)


def config(width):
    return MonitorsConfig(0, (MonConfig(width, 600),))


def with_clients(*names, owner="last", word=LINUX):
    world = World(make(Options(owner)))
    world.guest.come_up(word)
    return world, *[world.ready_client(name=name) for name in names]


@pytest.mark.parametrize("word", [LINUX, WINDOWS])
@pytest.mark.parametrize(
    ("owner", "forwarded"),
    [
        ("first", [1, 3]),
        ("last", [1, 2, 3, 4]),
        ("desk", [1, 3, 4]),
        ("wall", [2]),
        ("nobody", []),
    ],
)
def test_only_the_owners_are_forwarded_and_the_others_told_that_all_is_well(
    owner, forwarded, word
):
    """H23."""
    world, *clients = with_clients("desk", "wall", "desk", owner=owner, word=word)
    for number, client in enumerate([clients[0], clients[1], clients[0], clients[2]]):
        wanted = config(number + 1)
        client.say(wanted)
        if number + 1 in forwarded:
            assert world.guest.heard() == [wanted]
            assert client.heard() == []
            world.guest.feed(reply())
        assert world.guest.heard() == []
        assert client.heard() == [GOOD]
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_one_that_does_not_count_is_answered_while_another_is_on_its_way():
    """H23."""
    world, first, second = with_clients("", "", owner="first")
    first.say(config(1))
    second.say(config(2))
    assert second.heard() == [GOOD]
    assert first.heard() == []
    world.guest.feed(reply(2))
    assert first.heard() == [BAD]


def test_a_client_that_knows_no_replies_gets_them_all_the_same():
    world = World(make(Options("first")))
    world.guest.come_up()
    first, second = (world.ready_client(GTK & ~4) for _ in range(2))
    first.say(config(1))
    second.say(config(2))
    world.guest.feed(reply())
    assert [first.heard(), second.heard()] == [[GOOD], [GOOD]]


@pytest.mark.parametrize("word", [0, LINUX & ~2])
def test_where_the_agent_cannot_nobody_is_told_that_all_is_well(word):
    world, first, second = with_clients("", "", owner="first", word=word)
    first.say(config(1))
    second.say(config(2))
    assert [first.heard(), second.heard()] == [[BAD], [BAD]]
    assert world.guest.heard() == []


def test_when_the_first_has_left_the_next_decides():
    world, first, second, third = with_clients("", "", "", owner="first")
    first.say(config(1))
    third.say(config(3))
    second.say(config(2))
    world.guest.feed(reply())
    first.leave()
    world.guest.heard()
    second.say(config(4))
    assert world.guest.heard() == []
    third.say(config(5))
    assert world.guest.heard() == [config(5)]


def test_a_client_that_leaves_does_not_undo_what_it_asked_for():
    """A script that sets a size ends when it has its reply."""
    world, viewer, script = with_clients("", "")
    for client, width in ((viewer, 1), (script, 2)):
        client.say(config(width))
        world.guest.feed(reply())
    script.leave()
    assert world.guest.heard() == [config(1), config(2)]


@pytest.mark.parametrize("word", [LINUX, WINDOWS])
@pytest.mark.parametrize("come", ["come_up", "start_anew"])
@pytest.mark.parametrize(("owner", "told"), [("first", 1), ("last", 3), ("wall", 2)])
def test_an_agent_that_comes_up_is_told_the_owners_last(owner, told, come, word):
    """H23."""
    world, *clients = with_clients("desk", "wall", "desk", owner=owner)
    for number, client in enumerate(clients):
        client.say(config(number + 1))
        world.guest.feed(reply())
        client.heard()
    world.guest.heard()
    if come == "come_up":
        world.guest.leave()
    assert getattr(world.guest, come)(word) == [config(told)]
    world.guest.feed(reply(2))
    world.wait(5)
    assert [client.heard() for client in clients] == [[], [], []]
    assert world.guest.heard() == []
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_what_was_asked_for_without_an_agent_is_told_to_the_next():
    world, client = with_clients("")
    world.guest.leave()
    client.say(config(1), config(2))
    assert client.heard() == [BAD, BAD]
    assert world.guest.come_up() == [config(2)]


def test_what_was_on_its_way_or_waited_is_told_to_the_next_the_newest_only():
    world, client = with_clients("")
    client.say(config(1), config(2), config(3))
    assert world.guest.start_anew() == [config(3)]
    world.guest.feed(reply())
    assert client.heard() == [BAD] * 3


def test_what_an_agent_is_told_again_has_its_two_seconds_like_any_other():
    world, client = with_clients("")
    client.say(config(1))
    assert world.guest.start_anew() == [config(1)]
    client.heard()
    client.say(config(2))
    assert world.guest.heard() == []
    world.wait(2.125)
    assert world.guest.heard() == [config(2)]
    world.guest.feed(reply())
    assert client.heard() == [GOOD]


def test_an_agent_without_replies_is_told_again_as_well():
    world, client = with_clients("")
    client.say(config(1))
    assert world.guest.start_anew(LINUX & ~4) == [config(1)]
    client.heard()
    client.say(config(2))
    assert world.guest.heard() == [config(2)]
    assert client.heard() == [GOOD]
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_an_agent_that_cannot_is_told_nothing_and_the_next_one_is():
    world, client = with_clients("")
    client.say(config(1))
    assert world.guest.start_anew(LINUX & ~2) == []
    assert world.guest.start_anew() == [config(1)]


@pytest.mark.parametrize(
    "end",
    [lambda client: client.leave(), lambda client: client.say(ClientDisconnected())],
    ids=["leaves", "begins anew"],
)
def test_of_a_client_that_has_gone_an_agent_is_told_nothing(end):
    world, client, other = with_clients("", "")
    client.say(config(1))
    world.guest.feed(reply())
    end(client)
    assert world.guest.start_anew() == []
    other.say(config(2))
    assert world.guest.start_anew() == [config(2)]


def test_the_owner_that_leaves_while_an_agent_is_told_again_is_sent_nothing():
    world, client, other = with_clients("", "")
    client.say(config(1))
    assert world.guest.start_anew() == [config(1)]
    client.leave()
    world.guest.feed(reply())
    other.say(config(2))
    assert world.guest.heard() == [config(2)]
    world.guest.feed(reply())
    assert other.heard() == [GOOD]


def test_a_stop_while_an_agent_is_told_again_leaves_nothing_behind():
    world, client = with_clients("")
    client.say(config(1))
    world.guest.start_anew()
    client.heard()
    world.hub.stop()
    assert client.heard() == []
    client.leave()
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []
