"""What ends the waiting for verdicts: lives, and handlers that change their mind."""

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
from tests.hub.faults import (
    LIMIT,
    SLOW,
    WITH_PINGS,
    Auditing,
    Judge,
    Picky,
    Slow,
    Witness,
    answer_all,
    chain,
    dropping,
    ping,
)
from vdproxy.errors import LocalProtocolError
from vdproxy.handlers.mouse import MouseHandler
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardRequest,
    MouseState,
)

ONE, TWO, THREE = map(ping, (1, 2, 3))
KIB = 1024
MIB = 1024 * KIB
BIG = Ping(bytes(MIB))


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


@pytest.mark.parametrize("only", ["in", "out"])
def test_filters_know_that_an_answer_is_not_wanted_any_more(only):
    slow = Picky(only=only)
    world, client = chain(slow)
    client.say(SLOW)
    client.leave()
    world.guest.leave()
    with logged() as lines:
        assert slow.questions[0].answer.cancelled
        world.wait(2 * LIMIT)
    assert not lines


def test_what_is_behind_a_cancelled_message_is_judged_at_once():
    world, _, _, _ = mice()
    paste = Clipboard(0, 1, b"xyz")
    first = world.hub.guest.send(moved(1))
    second = world.hub.guest.send(paste)
    assert second.undecided
    assert first.cancel()
    assert world.guest.heard() == [paste]


@pytest.mark.parametrize(
    "take_back",
    [lambda sending: sending.cancel(), lambda sending: sending.withhold("a test")],
    ids=["cancelled", "withheld"],
)
def test_nobody_is_heard_again_in_the_middle_of_a_handlers_work(take_back):
    class Fickle(Relay):
        """Takes back what it has sent last when it is to send TWO."""

        sending = None
        at_work = False

        def received(self, peer, message):
            assert not self.at_work
            self.at_work = True
            if message == TWO:
                take_back(self.sending)
            sent = self.vm.guest.send(message, source=peer)
            self.sending = self.sending or sent
            self.at_work = False

    slow = Picky(only="out")
    world = World(Fickle(Ping, relayed=PINGS), filters=[slow])
    world.guest.come_up(WITH_PINGS)
    client, other = (world.ready_client(WITH_PINGS) for _ in range(2))
    client.say(SLOW)
    other.say(BIG, ONE)
    other.say(THREE)
    assert other.peer.paused
    with logged() as lines:
        client.say(TWO)
    assert world.guest.heard() == [BIG, ONE, TWO, THREE]
    assert lines.having("handler").texts == []


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
    assert lines.texts == [
        "one: VD_AGENT_CLIPBOARD to vdi#1 dropped: it cannot be told any more"
    ]


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


def test_what_a_client_said_that_a_later_filter_disconnects_is_discarded():
    def judge(way, peer, message):
        if way == "in" and message == SLOW:
            peer.disconnect("a filter says so")

    slow = Picky(only="in")
    handler = Witness(Ping, relayed=PINGS)
    world = World(handler, filters=[slow, Judge(judge)])
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    client.say(SLOW)
    slow.questions[0].say()
    assert client.transport.losing
    assert handler.told("received", "dropped") == []


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


def test_what_cannot_be_told_is_an_error_also_where_something_waits():
    slow = Slow(Ping, only="out")
    world, client = chain(slow)
    world.guest.say(ONE)
    with pytest.raises(LocalProtocolError):
        client.peer.send(Clipboard(9, 1, b"xyz"))
    slow.questions[0].say()
    assert client.heard() == [ONE]


def test_a_drop_of_what_could_not_be_told_ends_nothing():
    """Nobody owns CLIPBOARD, and the client knows no other selection."""
    guard = dropping("out", Clipboard)
    world, client = chain(guard)
    world.hub.guest.send(ONE)
    client.peer.send(Clipboard(1, 1, b"xyz"))
    client.peer.send(Clipboard(0, 1, b"xyz"))
    assert client.heard() == [Clipboard(0, 0, b"")]


def test_a_message_that_waits_behind_another_can_be_withheld():
    slow = Slow(Ping, only="out")
    auditing = Auditing()
    handler = Witness(Ping, relayed=PINGS)
    world = World(handler, filters=[slow, auditing])
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    for message in (ONE, TWO):
        sending = client.peer.send(message)
    client.peer.send(THREE)
    sending.withhold("too late")
    assert handler.told("withheld") == [("withheld", client.peer, TWO, "too late")]
    assert [d.outcome for d in auditing.decisions] == ["dropped"]
    answer_all(slow)
    assert client.heard() == [ONE, THREE]


def test_what_cannot_be_told_is_an_error_also_where_a_filter_takes_its_time():
    slow = Slow(Clipboard, only="out")
    _, client = chain(slow)
    with pytest.raises(LocalProtocolError):
        client.peer.send(Clipboard(9, 1, b"xyz"))
    assert slow.questions[0].answer.cancelled
    client.peer.send(ONE)
    assert client.heard() == [ONE]


def test_a_message_may_be_cancelled_when_its_verdict_has_come_in_the_same_call():
    class Cancelling(Relay):
        def received(self, peer, message):
            sending = self.vm.guest.send(message)
            slow.questions[-1].say()
            assert sending.cancel()

    slow = Slow(Ping, only="out")
    later = Judge(lambda way, peer, message: None)
    world = World(Cancelling(Ping, relayed=PINGS), filters=[slow, later])
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    client.say(SLOW)
    assert SLOW not in later.asked["out"]
    assert world.guest.heard() == []
    assert world.hub.guest.senders == set()


def test_a_verdict_in_time_on_what_has_a_deadline_ends_it():
    slow = Slow(ClipboardRequest, only="in")
    handler = Witness(ClipboardRequest, Ping, relayed=Capabilities.of(5, 6) | PINGS)
    world = World(handler, filters=[slow])
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS | GTK)
    request = ClipboardRequest(0, 1)
    client.say(request)
    world.wait(2.4)
    slow.questions[0].say()
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []
    assert handler.told("received") == [("received", client.peer, request)]
    assert handler.told("dropped") == []
