"""What a file holds, on its way to the guest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.handlers.file_transfer.pushes import (
    CANCELLED,
    DISABLED,
    ERROR,
    KIB,
    PLAIN,
    SUCCESS,
    bad_data,
    cut,
    each_agent,
    pattern,
    with_clients,
)
from tests.hub.doubles import GTK, logged
from vdproxy.wire.messages import FileXferData, FileXferStart, FileXferStatus


def test_the_data_of_two_clients_may_alternate():
    world, *clients = with_clients(2)
    upstream = [world.run(client, size=300 * KIB) for client in clients]
    sent = [pattern(300 * KIB), pattern(300 * KIB)[::-1]]
    received = dict.fromkeys(upstream, b"")
    for begin in range(0, 300 * KIB, 50 * KIB):
        for client, data in zip(clients, sent, strict=True):
            client.say(FileXferData(1, data[begin : begin + 50 * KIB]))
    for message in world.guest.heard():
        received[message.id] += message.data
    assert list(received.values()) == sent


def test_a_client_reaches_no_transfer_of_another():
    """H5 and H6."""
    world, owner, other = with_clients(2)
    upstream = world.run(owner, id=7)
    for id in (7, upstream):
        other.say(FileXferData(id, b"not mine"), FileXferStatus(id, CANCELLED))
        other.feed(bad_data(id))
    assert world.guest.heard() == owner.heard() == other.heard() == []
    owner.say(FileXferData(7, b"mine"))
    assert world.guest.heard() == [FileXferData(upstream, b"mine")]


def test_data_of_no_transfer_is_dropped_in_silence():
    """H7: spice-gtk has some on its way when it is told of the end."""
    world, client = with_clients(1)
    with logged() as lines:
        client.say(*[FileXferData(1, b"late")] * 100)
    assert world.guest.heard() == client.heard() == []
    assert lines == []


@pytest.mark.parametrize(
    ("size", "pieces"),
    [
        (1, [1]),
        (64 * KIB - 1, [64 * KIB - 1]),
        (64 * KIB, [64 * KIB]),
        (64 * KIB + 1, [64 * KIB, 1]),
        (128 * KIB, [64 * KIB] * 2),
        (1024 * KIB, [64 * KIB] * 16),
    ],
)
def test_data_is_cut_into_messages_that_others_need_not_wait_long_for(size, pieces):
    """H28."""
    world, client = with_clients(1)
    upstream = world.run(client, size=size)
    data = pattern(size)
    client.say(FileXferData(1, data))
    heard = world.guest.heard()
    assert heard == cut(data, upstream)
    assert [len(message.data) for message in heard] == pieces
    assert client.heard() == []


def test_the_files_of_two_clients_take_turns():
    """H28."""
    world, first, second = with_clients(2)
    one, two = world.run(first, size=1024 * KIB), world.run(second, size=64 * KIB)
    world.guest.transport.fill()
    first.say(FileXferData(1, pattern(512 * KIB)))
    second.say(FileXferData(1, pattern(64 * KIB)))
    world.guest.transport.drain()
    heard = [message.id for message in world.guest.heard()]
    assert sorted(heard) == [one] * 8 + [two]
    assert heard.index(two) <= 2


@given(
    sizes=st.lists(
        st.one_of(st.integers(0, 100), st.integers(64 * KIB - 2, 64 * KIB + 2)),
        max_size=6,
    )
)
def test_whatever_it_is_sent_in_the_file_arrives(sizes):
    world, client = with_clients(1)
    data = pattern(sum(sizes))
    upstream = world.run(client, size=len(data))
    begin = 0
    for size in sizes:
        client.say(FileXferData(1, data[begin : begin + size]))
        begin += size
    heard = world.guest.heard()
    assert b"".join(message.data for message in heard) == data
    assert {message.id for message in heard} <= {upstream}
    assert len(heard) >= len(sizes)


@each_agent
def test_a_file_without_bytes_is_one_message_without_data(agent):
    world, client = with_clients(1, agent)
    upstream = world.run(client, size=0)
    client.say(FileXferData(1, b""))
    assert world.guest.heard() == [FileXferData(upstream, b"")]
    world.guest.say(FileXferStatus(upstream, SUCCESS))
    assert client.heard() == [FileXferStatus(1, SUCCESS)]


def test_a_client_that_does_not_wait_for_the_answer_is_served_as_well():
    world, client = with_clients(1)
    client.say(FileXferStart(1, "a", 3), FileXferData(1, b"abc"))
    assert world.guest.heard() == [FileXferStart(1, "a", 3), FileXferData(1, b"abc")]


@each_agent
@pytest.mark.parametrize(
    ("size", "before", "last"),
    [
        (0, [], 1),
        (5, [], 6),
        (5, [5], 1),
        (64 * KIB, [64 * KIB - 1], 2),
        (64 * KIB, [], 64 * KIB + 1),
    ],
)
def test_more_than_the_file_has_is_an_error(size, before, last, agent):
    world, client = with_clients(1, agent)
    upstream = world.run(client, size=size)
    client.say(*[FileXferData(1, bytes(n)) for n in before])
    assert [len(message.data) for message in world.guest.heard()] == before
    with logged() as lines:
        client.say(FileXferData(1, bytes(last)), FileXferData(1, b"late"))
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert client.heard() == [FileXferStatus(1, ERROR)]
    assert len(lines.having("more than")) == 1
    assert world.is_idle


def test_the_largest_size_that_can_be_told_is_counted_up_to():
    world, client = with_clients(1)
    upstream = world.run(client, size=2**64 - 1)
    client.say(FileXferData(1, b"abc"))
    assert world.guest.heard() == [FileXferData(upstream, b"abc")]
    world.handler._by_upstream_id[upstream].sent = 2**64 - 2
    client.say(FileXferData(1, b"a"))
    assert world.guest.heard() == [FileXferData(upstream, b"a")]
    client.say(FileXferData(1, b"a"))
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert client.heard() == [FileXferStatus(1, ERROR)]


@pytest.mark.parametrize("word", [GTK, PLAIN], ids=["gtk", "plain"])
def test_bad_data_ends_its_transfer(word):
    """The Linux agent would write what lies behind it into the file."""
    world, client = with_clients(1, word=word)
    upstream = world.run(client)
    client.feed(bad_data(1))
    assert client.heard() == [FileXferStatus(1, ERROR)]
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert world.is_idle
    client.feed(bad_data(1))
    assert client.heard() == world.guest.heard() == []


@pytest.mark.parametrize(
    ("word", "result"), [(GTK, DISABLED), (PLAIN, ERROR)], ids=["gtk", "plain"]
)
def test_data_that_may_not_be_ends_its_transfer(word, result):
    """H37."""
    world, client = with_clients(1, word=word)
    upstream = world.run(client)
    for _ in range(2):
        world.handler.dropped(client.peer, FileXferData(1, b"abc"), "policy")
    assert client.heard() == [FileXferStatus(1, result)]
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert world.is_idle
