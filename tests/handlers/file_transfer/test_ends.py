"""Transfers end because a peer is silent or has gone, and nothing is left."""

from __future__ import annotations

import pytest

from tests.handlers.file_transfer.pushes import (
    CAN_SEND_DATA,
    CANCELLED,
    DATA,
    ERROR,
    KIB,
    NOT_CONNECTED,
    PLAIN,
    START,
    STATUS,
    SUCCESS,
    Files,
    cut,
    each_agent,
    each_ending,
    end_by,
    pattern,
    statuses,
    with_clients,
)
from tests.hub.doubles import GTK, logged
from tests.link.frames import WINDOWS
from vdproxy.wire.messages import FileXferData, FileXferStatus


@pytest.mark.parametrize(
    ("word", "result"), [(GTK, NOT_CONNECTED), (PLAIN, ERROR)], ids=["gtk", "plain"]
)
def test_after_thirty_seconds_without_an_answer_there_is_an_error(word, result):
    world, client = with_clients(1, word=word)
    upstream = world.begin(client)
    world.wait(29.875)
    assert world.guest.heard() == client.heard() == []
    with logged() as lines:
        world.wait(0.25)
    assert client.heard() == [FileXferStatus(1, result)]
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert len(lines.having("VD_AGENT_FILE_XFER_START")) == 1
    assert world.is_idle
    world.guest.say(FileXferStatus(upstream, CAN_SEND_DATA))
    world.wait(60)
    assert world.guest.heard() == client.heard() == []


@pytest.mark.parametrize("size", [0, 100])
def test_an_agent_that_has_a_whole_file_and_does_not_say_so_is_lost(size):
    """H31: it may be another one, which has read the end and knows of nothing."""
    world, client = with_clients(1)
    upstream = world.run(client, size=size)
    world.wait(60)
    assert client.heard() == []
    client.say(FileXferData(1, bytes(size)))
    world.wait(29.875)
    assert world.guest.heard() == [FileXferData(upstream, bytes(size))]
    assert client.heard() == []
    with logged() as lines:
        world.wait(0.25)
    assert client.heard() == [FileXferStatus(1, ERROR)]
    assert world.is_idle
    assert len(lines.having("not answered a VD_AGENT_FILE_XFER_DATA")) == 1
    assert world.guest.transport.aborted


def test_an_agent_that_says_so_in_time_is_not():
    world, client = with_clients(1)
    upstream = world.run(client)
    client.say(FileXferData(1, bytes(100)))
    world.guest.say(FileXferStatus(upstream, CAN_SEND_DATA))
    world.wait(29)
    assert world.guest.heard() == [FileXferData(upstream, bytes(100))]
    world.guest.say(FileXferStatus(upstream, SUCCESS))
    world.wait(60)
    assert client.heard()[1:] == [FileXferStatus(1, SUCCESS)]
    assert not world.guest.transport.aborted


def test_one_that_has_not_read_it_yet_is_waited_for():
    world, client = with_clients(1, agent=WINDOWS)
    upstream = world.run(client)
    world.guest.transport.fill()
    client.say(FileXferData(1, bytes(100)))
    world.wait(100)
    assert client.heard() == []
    world.guest.transport.drain()
    world.guest.say(FileXferStatus(upstream, SUCCESS))
    assert client.heard() == [FileXferStatus(1, SUCCESS)]


def test_an_agent_that_answers_others_is_not_lost_for_one_start():
    world, first, second = with_clients(2)
    world.begin(first)
    world.wait(20)
    world.run(second)
    world.wait(20)
    assert first.heard() == [FileXferStatus(1, NOT_CONNECTED)]
    assert not world.guest.transport.aborted


def test_each_start_has_its_own_thirty_seconds():
    world, first, second = with_clients(2)
    world.begin(first)
    world.wait(20)
    world.begin(second)
    world.give_a_sign()
    world.wait(15)
    assert first.heard() == [FileXferStatus(1, NOT_CONNECTED)]
    assert second.heard() == []
    world.wait(15)
    assert second.heard() == [FileXferStatus(1, NOT_CONNECTED)]


def test_data_alone_is_no_answer_to_a_start():
    world, client = with_clients(1)
    world.begin(client)
    client.say(FileXferData(1, b"abc"))
    world.wait(31)
    assert client.heard() == [FileXferStatus(1, NOT_CONNECTED)]


def test_once_answered_a_transfer_may_take_its_time():
    world, client = with_clients(1)
    upstream = world.begin(client)
    world.wait(29)
    world.guest.say(FileXferStatus(upstream, CAN_SEND_DATA))
    world.wait(3600)
    client.say(FileXferData(1, b"abc"))
    world.wait(3600)
    assert client.heard() == [FileXferStatus(1, CAN_SEND_DATA)]
    assert world.guest.heard() == [FileXferData(upstream, b"abc")]


@each_agent
def test_when_a_client_leaves_its_transfers_are_cancelled(agent):
    """H8."""
    world, gone, other = with_clients(2, agent)
    kept = world.run(other)
    lost = [world.run(gone, id=1), world.begin(gone, id=2)]
    gone.leave()
    assert world.guest.heard() == [FileXferStatus(id, CANCELLED) for id in lost]
    assert other.heard() == []
    world.guest.say(*[FileXferStatus(id, ERROR) for id in lost])
    world.wait(60)
    assert other.heard() == world.guest.heard() == []
    other.say(FileXferData(1, b"abc"))
    assert world.guest.heard() == [FileXferData(kept, b"abc")]


def test_the_end_of_a_client_that_has_left_comes_behind_what_it_sent():
    """H8: an agent that reads slowly is told the whole story in its order."""
    world, client = with_clients(1)
    upstream = world.run(client, size=200 * KIB)
    world.guest.transport.fill()
    data = pattern(200 * KIB)
    client.say(FileXferData(1, data))
    client.leave()
    world.guest.transport.drain()
    assert world.guest.heard() == [
        *cut(data, upstream),
        FileXferStatus(upstream, CANCELLED),
    ]


def test_a_client_that_leaves_in_the_middle_of_a_message_is_cancelled_too():
    world, client = with_clients(1)
    upstream = world.run(client)
    client.feed(client.spell(FileXferData(1, bytes(50)))[:-1])
    client.leave()
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]


def test_a_client_that_begins_anew_has_no_transfers_from_before():
    world, client = with_clients(1)
    client.announce(1)
    client.heard()
    old = world.run(client)
    client.announce(1)
    assert world.guest.heard() == [FileXferStatus(old, CANCELLED)]
    assert statuses(client) == []
    client.say(FileXferData(1, b"late"))
    assert world.guest.heard() == []
    assert world.run(client) == old + 1


@pytest.mark.parametrize(
    "lose",
    [lambda world: world.guest.leave(), lambda world: world.guest.announce(1)],
    ids=["end", "new agent"],
)
def test_when_the_agent_is_lost_every_transfer_is_cancelled(lose):
    world, first, second = with_clients(2)
    world.run(first, id=1)
    world.begin(first, id=2)
    world.run(second, id=1)
    lose(world)
    cancelled = [FileXferStatus(id, CANCELLED) for id in (1, 2)]
    assert statuses(first) == cancelled
    assert statuses(second) == cancelled[:1]
    assert world.is_idle
    world.wait(60)
    assert statuses(first) == []


def test_a_new_agent_hears_nothing_of_old_transfers():
    world, client = with_clients(1)
    old = world.run(client)
    world.guest.announce(1)
    world.guest.heard()
    client.say(FileXferData(1, b"old"), FileXferStatus(1, CANCELLED))
    world.guest.announce(0)
    client.say(FileXferData(1, b"old"), FileXferStatus(1, CANCELLED))
    assert [m for m in world.guest.heard() if m.number in (START, STATUS, DATA)] == []
    client.heard()
    world.guest.say(FileXferStatus(old, ERROR))
    assert client.heard() == []
    assert world.run(client) == old + 1


def test_when_vdproxy_stops_both_sides_hear_of_it_and_nothing_is_left():
    world, first, second = with_clients(2)
    upstream = [world.run(first), world.begin(second)]
    world.hub.stop()
    assert world.guest.heard() == [FileXferStatus(id, CANCELLED) for id in upstream]
    for client in (first, second):
        assert client.heard() == [FileXferStatus(1, CANCELLED)]
        client.leave()
    world.guest.leave()
    world.hub.log.close()
    assert world.is_idle
    assert world.clock.getDelayedCalls() == []


@each_ending
def test_nothing_is_left_of_a_transfer_that_has_ended(ending):
    world, client = with_clients(1)
    end_by(ending, world, client, 1, world.begin(client))
    assert world.is_idle
    client.leave()
    world.guest.leave()
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


@pytest.mark.parametrize("leave_first", ["clients", "guest"])
def test_nothing_is_left_when_everybody_has_gone(leave_first):
    world, *clients = with_clients(3)
    for client in clients:
        for id in range(10):
            world.begin(client, id)
    ends = [*clients, world.guest]
    for end in ends if leave_first == "clients" else reversed(ends):
        end.leave()
    world.hub.log.close()
    assert world.is_idle
    assert world.clock.getDelayedCalls() == []


def test_a_client_that_never_announced_itself_and_has_gone_is_cancelled():
    """H8."""
    world = Files()
    client = world.client()
    upstream = world.begin(client)
    client.leave()
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
