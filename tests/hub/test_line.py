"""What waits for verdicts: its order, its bounds, and what ends the waiting."""

from __future__ import annotations

import pytest

from tests.hub.doubles import (
    GTK,
    PINGS,
    End,
    FakeTransport,
    Ping,
    Relay,
    World,
    logged,
)
from tests.hub.faults import LIMIT, WITH_PINGS, Judge, Slow, Witness, chain, ping
from vdproxy.errors import Refused
from vdproxy.handlers.mouse import MouseHandler
from vdproxy.hub.verdicts import Drop
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import AnnounceCapabilities, Clipboard, MouseState

ONE, TWO, THREE, FOUR = map(ping, (1, 2, 3, 4))
KIB = 1024
MIB = 1024 * KIB
BIG = Ping(bytes(MIB))


class Picky(Slow):
    """Takes its time over pings of which the data begin with ``slow``."""

    def _put_off(self, direction, peer, message):
        if isinstance(message, Ping) and message.data.startswith(b"slow"):
            return super()._put_off(direction, peer, message)
        return None


SLOW = Ping(b"slow 0")

each_slow_way = pytest.mark.parametrize("only", ["in", "out", "in out"])


def answer_all(slow, verdict=None):
    """Answer the questions until there are no more."""
    while waiting := [q for q in slow.questions if not q.answer.called]:
        waiting[0].say(verdict)


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


# Lives


def test_a_verdict_on_what_a_client_said_that_has_left_is_discarded():
    slow = Picky(only="in")
    world, client = chain(slow)
    client.say(SLOW)
    client.leave()
    slow.questions[0].say()
    assert world.guest.heard() == []


def test_a_verdict_on_what_a_client_said_that_was_disconnected_is_discarded():
    slow = Picky(only="in")
    world, client = chain(slow)
    client.say(SLOW)
    client.peer.disconnect("a test")
    slow.questions[0].say()
    assert world.guest.heard() == []


@pytest.mark.parametrize("ends", ["leaves", "is disconnected"])
def test_a_verdict_on_what_was_for_a_client_that_is_gone_is_discarded(ends):
    slow = Picky(only="out")
    world, client = chain(slow)
    world.guest.say(SLOW, ONE)
    if ends == "leaves":
        client.leave()
    else:
        client.peer.disconnect("a test")
    slow.questions[0].say()
    assert client.heard() == []


def test_what_was_for_a_client_that_begins_anew_is_discarded():
    slow = Picky(only="out")
    world, client = chain(slow)
    client.announce(1)
    client.heard()
    world.guest.say(SLOW, ONE)
    client.announce(1)
    slow.questions[0].say()
    world.guest.say(TWO)
    answer, *others = client.heard()
    assert isinstance(answer, AnnounceCapabilities)
    assert others == [TWO]


def test_what_was_for_an_agent_that_is_gone_is_discarded():
    slow = Picky(only="out")
    world, client = chain(slow)
    client.say(SLOW, ONE)
    world.guest.leave()
    world.guest.come_up(WITH_PINGS)
    slow.questions[0].say()
    client.say(TWO)
    assert world.guest.heard() == [TWO]


def test_what_was_for_the_agent_before_a_new_one_is_discarded():
    slow = Picky(only="out")
    world, client = chain(slow)
    client.say(SLOW, ONE)
    world.guest.start_anew(WITH_PINGS)
    slow.questions[0].say()
    client.say(TWO)
    assert world.guest.heard() == [TWO]


def test_a_verdict_on_what_an_agent_said_that_is_gone_is_discarded():
    slow = Picky(only="in")
    world, client = chain(slow)
    world.guest.say(SLOW, ONE)
    world.guest.leave()
    world.guest.come_up(WITH_PINGS)
    slow.questions[0].say()
    world.guest.say(TWO)
    assert client.heard() == [TWO]


@pytest.mark.parametrize("only", ["in", "out"])
def test_verdicts_after_the_hub_has_stopped_are_discarded(only):
    slow = Picky(only=only)
    world, client = chain(slow)
    client.say(SLOW)
    world.hub.stop()
    (question,) = slow.questions
    assert question.answer.cancelled
    assert world.guest.heard() == []


def test_nothing_is_left_on_the_clock_when_the_hub_has_stopped():
    world, client = chain(Picky())
    client.say(SLOW)
    world.guest.say(SLOW)
    world.hub.stop()
    client.leave()
    world.guest.leave()
    assert world.clock.getDelayedCalls() == []


# What handlers do with what waits


def mice(*handlers):
    """Return a world with mice whose states filters take their time over."""
    slow = Slow(MouseState, only="out")
    world = World(MouseHandler(), *handlers, filters=[slow])
    world.guest.come_up()
    return world, slow, world.ready_client(), world.ready_client()


def moved(place, buttons=0):
    return MouseState(place, place, buttons, 0)


def test_a_motion_that_a_newer_one_makes_void_waits_no_more():
    world, slow, client, _ = mice()
    client.say(moved(1), moved(2), moved(3))
    answer_all(slow)
    assert world.guest.heard() == [moved(1), moved(3)]


def test_motion_goes_on_however_slow_a_filter_is():
    world, slow, client, _ = mice()
    for place in range(10):
        client.say(moved(2 * place), moved(2 * place + 1))
        slow.questions[-1].say()
    answer_all(slow)
    assert len(world.guest.heard()) == 11


def test_what_is_behind_a_cancelled_message_is_judged_at_once():
    world, _, _, _ = mice()
    paste = Clipboard(0, 1, b"xyz")
    first = world.hub.guest.send(moved(1))
    second = world.hub.guest.send(paste)
    assert second.undecided
    assert first.cancel()
    assert world.guest.heard() == [paste]


def test_nobody_is_heard_again_in_the_middle_of_a_handlers_work():
    paste = Clipboard(0, 1, bytes(MIB + 1))
    world, slow, client, other = mice(Relay(Clipboard, relayed=Capabilities.of(5, 6)))
    client.say(moved(1))
    other.say(paste)
    assert other.peer.paused
    other.say(moved(2, buttons=2))
    client.say(moved(3))
    answer_all(slow)
    assert world.guest.heard()[-1].buttons == 2


def test_what_cannot_be_told_any_more_harms_nothing_that_follows():
    """The client has announced less meanwhile, and knows that selection no more."""
    slow = Slow(Clipboard, only="out")
    handler = Relay(Clipboard, Ping, relayed=Capabilities.of(5, 6) | PINGS)
    world = World(handler, filters=[slow])
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(GTK)
    world.guest.say(Clipboard(1, 1, b"xyz"), ONE)
    client.announce(0, GTK & ~(1 << 6))
    with logged() as lines:
        slow.questions[0].say()
    assert client.heard() == [ONE]
    assert lines.texts == ["one: vdi#1 cannot be told a VD_AGENT_CLIPBOARD any more"]


def test_a_guest_that_is_judged_reads_on_when_it_is_there_anew():
    slow = Picky(only="in")
    world, client = chain(slow)
    world.guest.say(SLOW)
    world.guest.leave()
    world.guest.come_up(WITH_PINGS)
    world.guest.say(ONE)
    assert client.heard() == [ONE]


def test_a_filter_may_disconnect_the_client_it_is_asked_about():
    def judge(way, peer, message):
        if way == "out" and message == TWO:
            peer.disconnect("a filter says so")

    slow = Picky(only="out")
    handler = Witness(Ping, relayed=PINGS)
    world = World(handler, filters=[slow, Judge(judge)])
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    world.guest.say(SLOW, TWO, THREE)
    slow.questions[0].say()
    assert client.transport.losing
    assert client.heard() == [SLOW]


def test_transports_without_room_change_nothing_in_the_order():
    slow = Picky(only="out")
    world = World(Relay(Ping, relayed=PINGS), filters=[slow])
    world.guest.come_up(WITH_PINGS)
    client = world.client(WITH_PINGS, transport=FakeTransport())
    client.negotiate()
    client.transport.fill()
    world.guest.say(ONE, SLOW, TWO)
    slow.questions[0].say()
    world.guest.say(THREE)
    assert End.heard(client) == []
    client.transport.drain()
    assert client.heard() == [ONE, SLOW, TWO, THREE]
