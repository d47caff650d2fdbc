from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from tests.hub.doubles import PINGS, Lines, Ping, Recorder, World, logged
from tests.hub.faults import (
    WITH_PINGS,
    Judge,
    Slow,
    Witness,
    chain,
    dropping,
    installed,
    on,
    ping,
)
from vdproxy.hub.filter import Filter
from vdproxy.hub.verdicts import Drop, Replace
from vdproxy.wire.messages import MonitorsConfig

ONE, TWO = map(ping, (1, 2))

each_way = pytest.mark.parametrize("way", ["in", "out"])


async def at_once(verdict):
    return verdict


def both(answer):
    """Return a filter that says *answer* of each ping, in both directions."""
    return Judge(lambda way, peer, m: answer(m) if isinstance(m, Ping) else None)


def marking(letter):
    return both(lambda message: Replace(Ping(message.data + letter)))


def dropped_lines(lines: Lines) -> list[str]:
    return lines.having("dropped by filter").texts


def test_filters_are_asked_in_their_order_in_both_directions():
    world, client = chain(marking(b"a"), marking(b"b"), marking(b"c"))
    client.say(Ping(b"up "))
    assert world.guest.heard() == [Ping(b"up abcabc")]
    world.guest.say(Ping(b"down "))
    assert client.heard() == [Ping(b"down abcabc")]


def test_a_filter_is_asked_what_the_one_before_it_has_made_of_the_message():
    later = both(lambda message: None)
    _, client = chain(on("in", lambda m: Replace(TWO), Ping), later)
    client.say(ONE)
    assert later.asked["in"][-1] == TWO
    assert later.asked["out"][-1] == TWO


def test_after_one_has_refused_a_message_the_next_is_not_asked():
    later = both(lambda message: None)
    world, client = chain(dropping("in", Ping), later)
    asked = len(later.asked["in"])
    client.say(ONE)
    assert len(later.asked["in"]) == asked
    assert world.guest.heard() == []


PASSES = {
    "None": lambda message: None,
    "Deferred": lambda message: succeed(None),
    "coroutine": lambda message: at_once(None),
}
DROPS = {
    "Drop": lambda message: Drop("not here"),
    "Deferred": lambda message: succeed(Drop("not here")),
    "coroutine": lambda message: at_once(Drop("not here")),
}
REPLACES = {
    "Replace": lambda message: Replace(TWO),
    "Deferred": lambda message: succeed(Replace(TWO)),
    "coroutine": lambda message: at_once(Replace(TWO)),
}


def heard_through(way, answer):
    """Return what is heard of a ping from a client, and what the log says."""
    world, client = chain(on(way, answer, Ping))
    with logged() as lines:
        client.say(ONE)
    return world.guest.heard(), lines


@each_way
@pytest.mark.parametrize("form", PASSES)
def test_a_filter_lets_a_message_pass(way, form):
    heard, lines = heard_through(way, PASSES[form])
    assert heard == [ONE]
    assert not lines


@each_way
@pytest.mark.parametrize("form", REPLACES)
def test_a_filter_replaces_a_message(way, form):
    heard, lines = heard_through(way, REPLACES[form])
    assert heard == [TWO]
    assert not lines


@pytest.mark.parametrize("form", DROPS)
@pytest.mark.parametrize(("way", "where"), [("in", "of vdi#1"), ("out", "to guest")])
def test_a_filter_drops_a_message(way, where, form):
    heard, lines = heard_through(way, DROPS[form])
    assert heard == []
    assert lines.texts == [
        f"one: type 200 {where} dropped by filter Judge: not here",
    ]


@each_way
def test_a_coroutine_waits_as_long_as_it_must(way):
    gate = Deferred()

    async def judge(message):
        letter = await gate
        return Replace(Ping(message.data + letter))

    world, client = chain(on(way, judge, Ping))
    client.say(ONE)
    assert world.guest.heard() == []
    gate.callback(b"!")
    assert world.guest.heard() == [Ping(b"1!")]


def test_filters_may_take_their_time_one_after_the_other():
    filters = Slow(), Slow()
    world, client = chain(*filters)
    client.say(ONE)
    for way in ("in", "out"):
        for slow in filters:
            assert world.guest.heard() == []
            (question,) = [q for q in slow.questions if q.direction == way]
            question.say()
    assert world.guest.heard() == [ONE]


def test_what_one_has_put_in_place_in_time_is_what_the_next_is_asked():
    slow, later = Slow(only="in"), both(lambda message: None)
    world, client = chain(slow, later)
    client.say(ONE)
    slow.questions[0].say(Replace(TWO))
    assert later.asked["in"][-1] == TWO
    assert world.guest.heard() == [TWO]


def test_a_deferred_that_several_messages_share_answers_for_all_of_them():
    shared = Deferred()
    world, client = chain(on("in", lambda message: shared, Ping))
    other = world.ready_client(WITH_PINGS)
    client.say(ONE)
    other.say(TWO)
    shared.callback(Drop("neither"))
    assert world.guest.heard() == []


def test_a_shared_deferred_that_fails_fails_for_all_of_them():
    shared = Deferred()
    guard = installed("guard", on("in", lambda message: shared, Ping), closed=True)
    world, client = chain(guard)
    other = world.ready_client(WITH_PINGS)
    client.say(ONE)
    other.say(TWO)
    shared.errback(ValueError())
    assert world.guest.heard() == []


def test_a_deferred_that_fails_is_no_verdict():
    heard, lines = heard_through("in", lambda message: fail(ValueError()))
    assert heard == [ONE]
    assert len(lines.having("filter Judge failed on a type 200 of vdi#1")) == 1


def test_the_owner_is_told_what_was_dropped_and_why():
    handler = Witness(Ping, relayed=PINGS)
    world = World(handler, filters=[dropping("in", Ping), dropping("out", Ping)])
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    client.say(ONE)
    handler.vm.guest.send(TWO, source=client.peer)
    assert handler.told("received", "dropped", "withheld") == [
        ("dropped", client.peer, ONE, "not here"),
        ("withheld", world.hub.guest, TWO, "not here"),
    ]
    assert world.hub.counters["dropped"] == 2


def test_the_owner_is_told_of_the_message_as_it_was_sent():
    handler = Witness(Ping, relayed=PINGS)
    world = World(handler, filters=[marking(b"!"), both(lambda m: Drop("no"))])
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    client.say(ONE)
    handler.vm.guest.send(TWO)
    told = handler.told("dropped", "withheld")
    assert [message for _, _, message, _ in told] == [ONE, TWO]


def test_what_was_withheld_is_told_when_its_sender_has_ended():
    class Sender(Witness):
        def received(self, peer, message):
            self.vm.guest.send(message, source=peer)
            self._note("sent")

    handler = Sender(Ping, relayed=PINGS)
    world = World(handler, filters=[dropping("out", Ping)])
    world.guest.come_up(WITH_PINGS)
    world.ready_client(WITH_PINGS).say(ONE)
    assert [call[0] for call in handler.told("sent", "withheld")] == [
        "sent",
        "withheld",
    ]


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("bell \a, escape \x1b[2J, half a character \ud800", None),
        ("x" * 1000, "x" * 200),
        ("{vm} %s", "{vm} %s"),
    ],
)
def test_a_reason_is_one_short_line(reason, line):
    handler = Witness(Ping, relayed=PINGS)
    world = World(handler, filters=[on("in", lambda m: Drop(reason), Ping)])
    world.guest.come_up(WITH_PINGS)
    with logged() as lines:
        world.ready_client(WITH_PINGS).say(ONE)
    ((*_, told),) = handler.told("dropped")
    assert told == (line or "bell ?, escape ?[2J, half a character ?")
    (text,) = dropped_lines(lines)
    assert text.endswith(f": {told}")


def test_filters_are_started_first_to_last_and_stopped_last_to_first():
    calls = []

    class Noting(Filter):
        def __init__(self, name):
            self._name = name

        def start(self, vm):
            calls.append(("start", self._name, vm.name, vm.options))

        def stop(self):
            calls.append(("stop", self._name))

    handler = Recorder(Ping)
    world = World(handler, filters=[Noting("a"), Noting("b")])
    options = calls[0][3]
    assert calls == [("start", "a", "one", options), ("start", "b", "one", options)]
    calls.clear()
    world.hub.stop()
    assert calls == [("stop", "b"), ("stop", "a")]


def test_handlers_that_stop_are_still_judged():
    class Parting(Witness):
        def stop(self):
            self.vm.guest.send(ONE)

    guard = dropping("out", Ping)
    world = World(Parting(Ping, relayed=PINGS), filters=[guard])
    world.guest.come_up(WITH_PINGS)
    world.hub.stop()
    assert guard.asked["out"][-1] == ONE
    assert world.guest.heard() == []


def test_a_type_that_nobody_owns_is_judged_and_dropped_all_the_same():
    guard = dropping("in", MonitorsConfig)
    _, client = chain(guard)
    client.say(MonitorsConfig(0, ()))
    assert guard.asked["in"][-1] == MonitorsConfig(0, ())
    assert [message.number for message in client.heard()] == [3]
