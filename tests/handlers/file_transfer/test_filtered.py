"""What filters refuse of file transfers, and what both sides are told then."""

from __future__ import annotations

import pytest

from tests.handlers.file_transfer.pushes import (
    CAN_SEND_DATA,
    CANCELLED,
    DISABLED,
    ERROR,
    PLAIN,
    SUCCESS,
    Files,
)
from tests.hub.doubles import GTK, World
from tests.hub.faults import Judge, Slow, dropping, on
from vdproxy.handlers.file_transfer import FileTransferHandler
from vdproxy.hub.verdicts import Drop
from vdproxy.wire.messages import FileXferData, FileXferStart, FileXferStatus

each_way = pytest.mark.parametrize("way", ["in", "out"])
each_client = pytest.mark.parametrize(
    ("word", "refused"), [(GTK, DISABLED), (PLAIN, ERROR)], ids=["detailed", "plain"]
)

START = FileXferStart(1, "a.txt", 5)


class Filtered(Files):
    """A world whose clients' files are judged."""

    def __init__(self, *filters):
        self.handler = FileTransferHandler()
        World.__init__(self, self.handler, filters=filters)
        self.guest.come_up()


def refusing_status(way, result):
    def judge(message):
        return Drop("not here") if message.result == result else None

    return on(way, judge, FileXferStatus)


@each_way
@each_client
def test_a_refused_start_is_answered_and_the_agent_hears_nothing(way, word, refused):
    world = Filtered(dropping(way, FileXferStart))
    client = world.ready_client(word)
    client.say(START)
    assert client.heard() == [FileXferStatus(1, refused)]
    assert world.guest.heard() == []
    assert world.is_idle


@each_way
def test_after_a_refused_start_its_id_is_free(way):
    verdicts = iter([Drop("no"), None])
    world = Filtered(on(way, lambda m: next(verdicts), FileXferStart))
    client = world.ready_client()
    client.say(START)
    client.heard()
    upstream = world.begin(client, size=5)
    world.guest.say(FileXferStatus(upstream, SUCCESS))
    assert client.heard() == [FileXferStatus(1, SUCCESS)]


def test_a_refused_start_leaves_one_of_its_id_running():
    verdicts = iter([None, Drop("no")])
    world = Filtered(on("in", lambda m: next(verdicts), FileXferStart))
    client = world.ready_client()
    upstream = world.run(client)
    client.say(START)
    assert client.heard() == [FileXferStatus(1, DISABLED)]
    world.guest.say(FileXferStatus(upstream, SUCCESS))
    assert client.heard() == [FileXferStatus(1, SUCCESS)]


@each_way
@each_client
def test_refused_data_end_the_transfer_on_both_sides(way, word, refused):
    world = Filtered(dropping(way, FileXferData))
    client = world.ready_client(word)
    upstream = world.run(client)
    client.say(FileXferData(1, b"secret"))
    assert client.heard() == [FileXferStatus(1, refused)]
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert world.is_idle


@each_way
def test_data_after_the_refused_ones_are_not_sent(way):
    verdicts = iter([Drop("no"), None, None])
    world = Filtered(on(way, lambda m: next(verdicts, None), FileXferData))
    client = world.ready_client()
    upstream = world.run(client)
    client.say(FileXferData(1, b"one"), FileXferData(1, b"two"))
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert client.heard() == [FileXferStatus(1, DISABLED)]


def test_of_a_large_message_nothing_is_sent_after_the_refused_piece():
    """A message for the agent holds 64 KiB."""
    world = Filtered(dropping("out", FileXferData))
    client = world.ready_client()
    upstream = world.run(client, size=300_000)
    client.say(FileXferData(1, bytes(300_000)))
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert client.heard() == [FileXferStatus(1, DISABLED)]


def test_other_transfers_go_on():
    world = Filtered(
        on("in", lambda m: Drop("no") if m.id == 1 else None, FileXferData)
    )
    client, other = world.ready_client(), world.ready_client()
    first, second, third = (
        world.run(client, 1),
        world.run(client, 2),
        world.run(other, 3),
    )
    client.say(FileXferData(1, b"abc"), FileXferData(2, b"abc"))
    other.say(FileXferData(3, b"abc"))
    assert world.guest.heard() == [
        FileXferStatus(first, CANCELLED),
        FileXferData(second, b"abc"),
        FileXferData(third, b"abc"),
    ]


@pytest.mark.parametrize("result", [CAN_SEND_DATA, SUCCESS])
def test_a_refused_status_of_the_agent_ends_the_transfer(result):
    world = Filtered(refusing_status("in", result))
    client = world.ready_client()
    upstream = world.begin(client)
    world.guest.say(FileXferStatus(upstream, result))
    assert len(client.heard()) == 1
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert world.is_idle


def test_a_client_that_is_not_told_to_send_is_told_that_it_may_not():
    world = Filtered(refusing_status("out", CAN_SEND_DATA))
    client = world.ready_client()
    upstream = world.begin(client)
    world.guest.say(FileXferStatus(upstream, CAN_SEND_DATA))
    assert client.heard() == [FileXferStatus(1, DISABLED)]
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]


def test_a_client_that_is_not_told_of_the_end_is_told_of_another():
    world = Filtered(refusing_status("out", SUCCESS))
    client = world.ready_client()
    upstream = world.run(client)
    world.guest.say(FileXferStatus(upstream, SUCCESS))
    assert client.heard() == [FileXferStatus(1, DISABLED)]
    assert world.guest.heard() == []
    assert world.is_idle


def test_a_client_that_cancels_is_heeded_whatever_filters_say():
    world = Filtered(dropping("in", FileXferStatus))
    client = world.ready_client()
    upstream = world.begin(client)
    client.say(FileXferStatus(1, CANCELLED))
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert client.heard() == []
    assert world.is_idle


def test_an_agent_that_is_not_told_of_the_end_harms_nobody():
    world = Filtered(refusing_status("out", CANCELLED))
    client = world.ready_client()
    upstream = world.run(client)
    client.say(FileXferStatus(1, CANCELLED))
    assert world.is_idle
    world.guest.say(FileXferStatus(upstream, SUCCESS))
    assert client.heard() == world.guest.heard() == []


def test_what_makes_up_for_refused_data_asks_no_filter():
    guard = Judge(
        lambda way, peer, m: Drop("no") if isinstance(m, FileXferData) else None
    )
    world = Filtered(guard)
    client = world.ready_client()
    world.run(client)
    client.say(FileXferData(1, b"abc"))
    statuses = [m for m in guard.asked["out"] if isinstance(m, FileXferStatus)]
    assert statuses == [FileXferStatus(1, CAN_SEND_DATA)]


# Filters that take their time


def test_a_start_that_is_judged_reaches_the_agent_before_its_data():
    slow = Slow(FileXferStart)
    world = Filtered(slow)
    client = world.ready_client()
    client.say(START, FileXferData(1, b"hello"))
    for index in range(2):
        assert world.guest.heard() == []
        slow.questions[index].say()
    start, data = world.guest.heard()
    assert (start.name, data.data) == ("a.txt", b"hello")
    assert start.id == data.id


def test_nothing_of_a_file_reaches_the_agent_whose_start_was_refused_in_time():
    slow = Slow(FileXferStart, only="out")
    world = Filtered(slow)
    client = world.ready_client()
    client.say(START, FileXferData(1, b"hello"))
    slow.questions[0].say(Drop("no"))
    assert world.guest.heard() == []
    assert client.heard() == [FileXferStatus(1, DISABLED)]
    assert world.is_idle


def test_a_client_that_leaves_while_its_start_is_judged_leaves_nothing():
    slow = Slow(FileXferStart, only="out")
    world = Filtered(slow)
    client = world.ready_client()
    client.say(START)
    client.leave()
    slow.questions[0].say()
    assert world.is_idle
    assert not any(isinstance(m, FileXferStart) for m in world.guest.heard())


def test_a_transfer_ends_with_the_agent_while_its_start_is_judged():
    slow = Slow(FileXferStart, only="out")
    world = Filtered(slow)
    client = world.ready_client()
    client.say(START)
    world.guest.leave()
    slow.questions[0].say()
    assert client.heard() == [FileXferStatus(1, CANCELLED)]
    assert world.is_idle


def test_data_that_are_refused_in_time_end_one_transfer_and_no_other():
    """What the first had waiting is cancelled, and each of the others judged once."""
    slow = Slow(FileXferData, only="out")
    world = Filtered(slow)
    one, two = world.ready_client(), world.ready_client()
    for client in (one, two):
        client.say(START)
        (start,) = world.guest.heard()
        world.guest.say(FileXferStatus(start.id, CAN_SEND_DATA))
        client.heard()
    one.say(*[FileXferData(1, b"b")] * 5)
    two.say(*[FileXferData(1, b"g")] * 5)
    slow.questions[0].say(Drop("not here"))
    assert one.heard() == [FileXferStatus(1, DISABLED)]
    assert [q.message.data for q in slow.questions] == [b"b", b"g"]
    while len(slow.questions) < 6:
        slow.questions[-1].say()
    slow.questions[-1].say()
    heard = world.guest.heard()
    assert heard[0] == FileXferStatus(1, CANCELLED)
    assert heard[1:] == [FileXferData(2, b"g")] * 5
