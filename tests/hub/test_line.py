"""What waits for verdicts: its order and its bounds."""

from __future__ import annotations

import pytest

from tests.hub.doubles import (
    PINGS,
    Ping,
    Relay,
    World,
    logged,
)
from tests.hub.faults import (
    LIMIT,
    SLOW,
    WITH_PINGS,
    Judge,
    Picky,
    Slow,
    answer_all,
    chain,
    ping,
)
from vdproxy.errors import Refused
from vdproxy.hub.verdicts import Drop

ONE, TWO, THREE = map(ping, (1, 2, 3))
KIB = 1024
MIB = 1024 * KIB
BIG = Ping(bytes(MIB))


each_slow_way = pytest.mark.parametrize("only", ["in", "out", "in out"])


@each_slow_way
@pytest.mark.parametrize("speaker", ["guest", "client"])
def test_what_one_peer_says_keeps_its_order(only, speaker):
    slow = Picky(only=only)
    world, client = chain(slow)
    says, hears = (world.guest, client) if speaker == "guest" else (client, world.guest)
    says.say(ONE, SLOW, TWO, Ping(b"slow 1"), THREE)
    assert hears.heard() == [ONE]
    answer_all(slow)
    assert hears.heard() == [SLOW, TWO, Ping(b"slow 1"), THREE]


@each_slow_way
def test_what_is_refused_in_time_leaves_the_others_in_their_order(only):
    slow = Picky(only=only)
    world, client = chain(slow)
    client.say(ONE, SLOW, TWO)
    slow.questions[0].say(Drop("no"))
    assert world.guest.heard() == [ONE, TWO]


def test_what_one_client_has_said_keeps_no_other_waiting():
    slow = Picky(only="in")
    world, client = chain(slow)
    other = world.ready_client(WITH_PINGS)
    client.say(SLOW, ONE)
    other.say(TWO)
    assert world.guest.heard() == [TWO]
    world.guest.say(THREE)
    assert client.heard() == other.heard() == [THREE]
    answer_all(slow)
    assert world.guest.heard() == [SLOW, ONE]


def test_what_the_guest_has_said_keeps_no_client_waiting():
    slow = Picky(only="in")
    world, client = chain(slow)
    world.guest.say(SLOW, ONE)
    client.say(TWO)
    assert world.guest.heard() == [TWO]
    assert client.heard() == []
    answer_all(slow)
    assert client.heard() == [SLOW, ONE]


def test_what_waits_for_one_client_keeps_no_other_waiting():
    slow = Picky(only="out")
    world, client = chain(slow)
    other = world.ready_client(WITH_PINGS)
    world.guest.say(SLOW)
    slow.about(SLOW, other.peer).say()
    world.guest.say(ONE)
    client.say(TWO)
    assert other.heard() == [SLOW, ONE]
    assert client.heard() == []
    assert world.guest.heard() == [TWO]
    slow.about(SLOW, client.peer).say()
    assert client.heard() == [SLOW, ONE]


def test_filters_judge_one_message_to_a_peer_at_a_time():
    slow = Slow(only="out")
    _, client = chain(slow)
    client.say(ONE, TWO)
    assert [q.message for q in slow.questions] == [ONE]
    slow.questions[0].say()
    assert [q.message for q in slow.questions] == [ONE, TWO]


def test_what_waits_is_sent_on_once_a_hanging_filter_has_had_its_time():
    slow = Slow(only="out")
    world, client = chain(slow)
    client.say(ONE, TWO)
    world.wait(LIMIT - 0.1)
    assert world.guest.heard() == []
    world.wait(0.2)
    assert world.guest.heard() == [ONE]
    world.wait(LIMIT)
    assert world.guest.heard() == [TWO]


def test_an_answer_on_account_of_a_drop_waits_its_turn():
    class Answering(Relay):
        def dropped(self, peer, message, reason):
            peer.send(TWO)

    slow = Slow(only="out")
    refusing = Judge(
        lambda way, peer, m: Drop("no") if way == "in" and m == THREE else None
    )
    world = World(Answering(Ping, relayed=PINGS), filters=[slow, refusing])
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    world.guest.say(ONE)
    client.say(THREE)
    assert client.heard() == []
    slow.questions[0].say()
    assert client.heard() == [ONE, TWO]
    assert len(slow.questions) == 1


def test_what_makes_up_for_a_dropped_message_takes_its_place():
    class Answering(Relay):
        def withheld(self, peer, message, reason):
            peer.send(THREE)

    slow = Picky(only="out")
    world = World(Answering(Ping, relayed=PINGS), filters=[slow])
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    world.guest.say(SLOW, ONE, TWO)
    slow.questions[0].say(Drop("no"))
    assert client.heard() == [THREE, ONE, TWO]


def test_a_filter_may_send_something_while_it_is_asked():
    slow = Slow(only="out")

    def judge(way, peer, message):
        if way == "out" and message == ONE and not slow.questions:
            peer.send(TWO)

    world, client = chain(Judge(judge), slow)
    client.say(ONE, THREE)
    answer_all(slow)
    assert world.guest.heard() == [TWO, ONE, THREE]


# Bounds


def test_clients_are_paused_whose_messages_to_the_guest_wait_for_verdicts():
    slow = Picky(only="out")
    world, client = chain(slow)
    other = world.ready_client(WITH_PINGS)
    client.say(SLOW, BIG)
    assert client.peer.paused
    assert not other.peer.paused
    client.say(ONE)
    other.say(TWO)
    slow.questions[0].say()
    assert not client.peer.paused
    assert world.guest.heard() == [SLOW, BIG, TWO, ONE]


def test_one_mebibyte_may_wait_before_a_client_is_paused():
    _, client = chain(Picky(only="out"))
    client.say(SLOW, Ping(bytes(MIB - len(SLOW.data))))
    assert not client.peer.paused
    client.say(ONE)
    assert client.peer.paused


def test_what_waits_for_a_verdict_and_for_the_guest_counts_together():
    slow = Picky(only="out")
    world, client = chain(slow)
    world.guest.transport.fill()
    half = Ping(bytes(600 * KIB))
    client.say(half)
    client.say(SLOW)
    assert not client.peer.paused
    client.say(half)
    assert client.peer.paused
    slow.questions[0].say()
    assert client.peer.paused
    world.guest.transport.drain()
    assert not client.peer.paused
    assert world.guest.heard() == [half, SLOW, half]


def test_paused_clients_go_on_when_what_waited_is_refused():
    slow = Picky(only="out")
    refusing = Judge(
        lambda way, peer, m: Drop("no") if (way, m) == ("out", BIG) else None
    )
    world, client = chain(slow, refusing)
    client.say(SLOW, BIG)
    client.say(ONE)
    assert client.peer.paused
    slow.questions[0].say(Drop("no"))
    assert not client.peer.paused
    assert world.guest.heard() == [ONE]


def test_paused_clients_go_on_when_the_agent_is_lost():
    slow = Picky(only="out")
    world, client = chain(slow)
    client.say(SLOW, BIG)
    assert client.peer.paused
    world.guest.leave()
    assert not client.peer.paused


def test_a_gone_client_holds_its_place_while_its_messages_wait():
    slow = Picky(only="out")
    world, client = chain(slow, max_clients=1)
    client.say(SLOW)
    client.leave()
    with pytest.raises(Refused):
        world.client()
    slow.questions[0].say()
    assert world.guest.heard() == [SLOW]
    assert not world.client().transport.losing


def test_a_client_is_disconnected_for_which_too_much_waits_for_verdicts():
    slow = Picky(only="out")
    world, client = chain(slow)
    other = world.ready_client(WITH_PINGS)
    world.guest.say(SLOW)
    slow.about(SLOW, other.peer).say()
    world.guest.say(*[BIG] * 8)
    assert not client.transport.losing
    with logged() as lines:
        world.guest.say(BIG)
    assert client.transport.losing
    assert "vdi#1 disconnected: filters take their time" in lines.texts[0]
    assert other.heard() == [SLOW, *[BIG] * 9]


def test_a_client_is_disconnected_for_which_too_many_messages_wait():
    world, client = chain(Picky(only="out"))
    world.guest.say(SLOW, *[ONE] * 20_000)
    assert client.transport.losing


def test_a_verdict_on_what_was_too_much_for_a_client_is_discarded():
    slow = Picky(only="out")
    world, client = chain(slow)
    client.transport.fill()
    world.guest.say(*[BIG] * 8)
    assert not client.transport.losing
    with logged() as lines:
        world.guest.say(Ping(b"slow" + bytes(MIB)))
        assert client.transport.losing
        slow.questions[0].say()
    assert len(lines) == 1


def test_what_a_client_says_is_read_no_further_than_256_kib_while_it_waits():
    slow = Picky(only="in")
    world, client = chain(slow)
    pieces = [Ping(bytes(100 * KIB)) for _ in range(3)]
    client.say(SLOW)
    for piece in pieces:
        assert client.transport.reading
        client.say(piece)
    assert not client.transport.reading
    slow.questions[0].say()
    assert client.transport.reading
    assert world.guest.heard() == [SLOW, *pieces]
