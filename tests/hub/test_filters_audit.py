"""What auditors are told: each message once, and what has become of it."""

from __future__ import annotations

import pytest

from tests.hub.doubles import GTK, PINGS, Ping, World
from tests.hub.faults import (
    LIMIT,
    WITH_PINGS,
    Auditing,
    Slow,
    Witness,
    dropping,
    installed,
    on,
    ping,
    raises,
)
from tests.wire.decoding import frame
from vdproxy.hub.filter import Decision, Filter
from vdproxy.hub.verdicts import Drop, Replace
from vdproxy.wire.messages import AnnounceCapabilities, Unknown

ONE, TWO, THREE = map(ping, (1, 2, 3))

anywhere = pytest.mark.parametrize("place", ["first", "last"])


class Answering(Witness):
    """Sends THREE for what was refused."""

    def dropped(self, peer, message, reason):
        peer.send(THREE)

    def withheld(self, peer, message, reason):
        peer.send(THREE)


def audited(*filters, place="first"):
    """Return a world, a client and an auditor that is asked first or last."""
    audit = Auditing()
    chain = [audit, *filters] if place == "first" else [*filters, audit]
    world = World(Answering(Ping, relayed=PINGS), filters=chain)
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    audit.told()
    return world, client, audit


@anywhere
def test_what_passes_is_told_as_it_comes_in_and_as_it_goes_out(place):
    world, client, audit = audited(place=place)
    client.say(ONE)
    assert audit.decisions == [
        Decision("in", client.peer, ONE, "passed"),
        Decision("out", world.hub.guest, ONE, "passed", client.peer),
    ]


def test_what_goes_to_a_client_is_told_with_its_source_where_that_is_known():
    class From(Witness):
        def received(self, peer, message):
            for client in self.vm.clients:
                client.send(message, source=peer)

    audit = Auditing()
    world = World(From(Ping, relayed=PINGS), filters=[audit])
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    audit.told()
    world.guest.say(ONE)
    assert [d.source for d in audit.decisions] == [None, world.hub.guest]
    assert audit.decisions[1].peer is client.peer


@anywhere
def test_what_is_refused_as_it_comes_in(place):
    world, client, audit = audited(dropping("in", Ping), place=place)
    client.say(ONE)
    assert audit.decisions == [
        Decision("in", client.peer, ONE, "dropped", filter="Judge", reason="not here"),
        Decision(
            "out", client.peer, THREE, "answered", filter="Judge", reason="not here"
        ),
    ]
    assert world.guest.heard() == []


@anywhere
def test_what_is_refused_as_it_goes_out(place):
    world, client, audit = audited(dropping("out", Ping), place=place)
    client.say(ONE)
    guest = world.hub.guest
    assert audit.decisions == [
        Decision("in", client.peer, ONE, "passed"),
        Decision("out", guest, ONE, "dropped", client.peer, "Judge", "not here"),
        Decision("out", guest, THREE, "answered", None, "Judge", "not here"),
    ]


@anywhere
def test_what_was_replaced_is_told_as_it_goes_on(place):
    _, client, audit = audited(on("in", lambda m: Replace(TWO), Ping), place=place)
    client.say(ONE)
    assert audit.told() == [
        ("in", "vdi#1", TWO, "passed"),
        ("out", "guest", TWO, "passed"),
    ]


@anywhere
def test_what_filters_take_their_time_over_is_told_once_it_is_decided(place):
    slow = Slow()
    _, client, audit = audited(slow, place=place)
    client.say(ONE)
    assert audit.told() == []
    slow.questions[0].say()
    assert audit.told() == [("in", "vdi#1", ONE, "passed")]
    slow.questions[1].say(Drop("no"))
    assert audit.told() == [
        ("out", "guest", ONE, "dropped"),
        ("out", "guest", THREE, "answered"),
    ]


@pytest.mark.parametrize(("closed", "outcome"), [(False, "passed"), (True, "dropped")])
def test_what_a_filter_fails_on(closed, outcome):
    guard = installed("guard", on("in", raises, Ping), closed=closed)
    _, client, audit = audited(guard)
    client.say(ONE)
    first = audit.decisions[0]
    assert (first.message, first.outcome) == (ONE, outcome)
    assert first.filter == ("guard" if closed else "")


def test_what_cannot_be_read_is_told_as_dropped_by_no_filter():
    _, client, audit = audited()
    client.feed(frame(200, b"bad"))
    first, answer = audit.decisions
    assert first.message == Unknown(200, b"bad")
    assert (first.direction, first.peer) == ("in", client.peer)
    assert (first.outcome, first.filter) == ("dropped", "")
    assert first.reason
    assert (answer.message, answer.outcome) == (THREE, "answered")


def test_what_cannot_be_read_of_the_guest():
    world, _, audit = audited()
    world.guest.feed(frame(200, b"bad"))
    first = audit.decisions[0]
    assert first.message == Unknown(200, b"bad")
    assert (first.peer, first.outcome) == (world.hub.guest, "dropped")


def test_announcements_are_told_as_they_are_offered():
    class All(Filter):
        def __init__(self):
            self.decisions = []

        def decided(self, decision):
            self.decisions.append(decision)

    audit = All()
    world = World(Witness(Ping, relayed=PINGS), filters=[audit])
    world.guest.come_up(WITH_PINGS)
    world.client(GTK)
    told = [
        (d.direction, d.peer.label, d.outcome)
        for d in audit.decisions
        if isinstance(d.message, AnnounceCapabilities)
    ]
    assert told == [
        ("out", "guest", "passed"),
        ("in", "guest", "passed"),
        ("out", "vdi#1", "passed"),
    ]


def test_a_refused_offer_is_told_as_dropped():
    class Offers(Filter):
        def __init__(self):
            self.outcomes = []

        def decided(self, decision):
            self.outcomes.append((decision.direction, decision.outcome))

    audit = Offers()
    refusing = dropping("out", AnnounceCapabilities)
    world = World(Witness(Ping), filters=[refusing, audit])
    world.guest.connect()
    assert audit.outcomes == [("out", "dropped")]


def test_all_auditors_are_told_in_their_order():
    calls = []

    class Noting(Filter):
        def __init__(self, name):
            self._name = name

        def decided(self, decision):
            if decision.message == ONE and decision.direction == "in":
                calls.append(self._name)

    world = World(Witness(Ping, relayed=PINGS), filters=[Noting("a"), Noting("b")])
    world.guest.come_up(WITH_PINGS)
    world.ready_client(WITH_PINGS).say(ONE)
    assert calls == ["a", "b"]


def test_a_message_for_each_client_is_told_for_each():
    world, client, audit = audited()
    other = world.ready_client(WITH_PINGS)
    audit.told()
    world.guest.say(ONE)
    assert audit.told() == [
        ("in", "guest", ONE, "passed"),
        ("out", client.peer.label, ONE, "passed"),
        ("out", other.peer.label, ONE, "passed"),
    ]


def test_what_a_hanging_filter_was_asked_about_is_told_once():
    _, client, audit = audited(slow := Slow(only="in"))
    client.say(ONE)
    client.peer._owner.clock.advance(LIMIT)
    slow.questions[0].say(Drop("too late"))
    assert audit.told() == [
        ("in", "vdi#1", ONE, "passed"),
        ("out", "guest", ONE, "passed"),
    ]


def test_what_was_for_a_client_that_has_left_is_told_to_nobody():
    slow = Slow(only="out")
    world, client, audit = audited(slow)
    world.guest.say(ONE)
    client.leave()
    slow.questions[0].say()
    assert audit.told() == [("in", "guest", ONE, "passed")]
