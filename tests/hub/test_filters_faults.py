"""What a filter that fails costs: nothing but what it was asked about."""

from __future__ import annotations

import gc

import pytest
from twisted.logger import LogLevel
from twisted.python.failure import Failure

from tests.hub.doubles import PINGS, Ping, Relay, World, logged
from tests.hub.faults import (
    FAULTS,
    LIMIT,
    SECRET,
    WITH_PINGS,
    Judge,
    Unsendable,
    Witness,
    chain,
    failing,
    installed,
    on,
    ping,
)
from tests.hub.pings import criticals
from vdproxy.hub.filter import Filter
from vdproxy.hub.verdicts import Replace
from vdproxy.testing import LINUX_AGENT, ModelVM
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    FileXferStart,
    FileXferStatus,
)

ONE, TWO = ping("one"), ping("two")
FIVE = list(map(ping, range(5)))

each_fault = pytest.mark.parametrize("fault", FAULTS)
each_way = pytest.mark.parametrize("way", ["in", "out"])
closed_or_not = pytest.mark.parametrize("closed", [False, True])


@pytest.fixture(autouse=True)
def _nothing_of_an_exception_is_logged():
    with logged() as lines:
        yield
        gc.collect()
    assert SECRET not in lines.all_there_is
    assert not any(
        isinstance(v, (Failure, Exception)) for e in lines for v in e.values()
    )


def wait_out(world):
    """Let a hanging filter have its time over a few messages in a row."""
    for _ in range(6):
        world.wait(LIMIT)


@each_way
@each_fault
def test_what_a_filter_fails_on_passes_as_if_it_were_not_there(way, fault):
    world, client = chain(failing(way, fault, Ping))
    client.say(ONE, TWO)
    wait_out(world)
    assert world.guest.heard() == [ONE, TWO]


@each_way
@each_fault
def test_what_a_closed_filter_fails_on_is_dropped_and_its_owner_told(way, fault):
    handler = Witness(Ping, relayed=PINGS)
    world = World(handler, filters=[failing(way, fault, Ping, closed=True)])
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    client.say(ONE)
    wait_out(world)
    assert world.guest.heard() == []
    told = "dropped" if way == "in" else "withheld"
    peer = client.peer if way == "in" else world.hub.guest
    reason = "it has failed, and fails closed"
    assert handler.told("dropped", "withheld") == [(told, peer, ONE, reason)]


@each_way
@each_fault
def test_a_failure_is_one_line_with_the_filter_the_type_and_the_peer(way, fault):
    world, client = chain(failing(way, fault, Ping))
    with logged() as lines:
        client.say(ONE)
        wait_out(world)
    (line,) = lines
    where = "of vdi#1" if way == "in" else "to guest"
    assert line["log_level"] is LogLevel.warn
    assert lines.texts[0].startswith(
        f"one: filter guard failed on a type 200 {where}: "
    )


def test_a_replacement_that_cannot_be_encoded_is_no_answer():
    guard = on("in", lambda m: Replace(Unsendable(m.data)), Ping)
    world, client = chain(guard)
    client.say(ONE)
    assert world.guest.heard() == [ONE]


class Garbled(Ping):
    """A ping of which other data arrive."""

    def encode(self, layout):
        return b"something else"


@pytest.mark.parametrize("replacement", [Ping(b"bad"), Garbled(b"good")])
def test_a_replacement_that_would_not_arrive_as_it_is_is_no_answer(replacement):
    world, client = chain(on("in", lambda m: Replace(replacement), Ping))
    with logged() as lines:
        client.say(ONE)
    assert world.guest.heard() == [ONE]
    assert len(lines.having("failed on a type 200 of vdi#1")) == 1


@each_way
@each_fault
def test_the_filters_beside_a_failing_one_are_asked(way, fault):
    before, after = (Judge(lambda *_: None) for _ in range(2))
    world, client = chain(before, failing(way, fault, Ping), after)
    client.say(ONE)
    wait_out(world)
    for plugin in (before, after):
        assert plugin.asked[way][-1] == ONE


@closed_or_not
@each_fault
def test_after_five_failures_in_a_row_a_filter_is_benched(fault, closed):
    guard = failing("in", fault, Ping, closed=closed)
    world, client = chain(guard)
    with logged() as lines:
        client.say(*FIVE, TWO, TWO)
        wait_out(world)
    (critical,) = criticals(lines)
    assert critical["filter"] == "guard"
    assert criticals(lines).texts == [
        "one: filter guard is benched, and "
        + ("nothing passes" if closed else "all passes without it")
        + ": it failed 5 times in a row"
    ]
    assert guard.plugin.asked["in"].count(TWO) == 0
    assert guard.plugin.stopped == 1
    assert world.guest.heard() == ([] if closed else [*FIVE, TWO, TWO])


def test_four_failures_are_not_enough():
    guard = failing("in", "raises", Ping, closed=True)
    _, client = chain(guard)
    client.say(*FIVE[:4])
    assert guard.plugin.stopped == 0
    client.say(ONE)
    assert guard.plugin.stopped == 1


def test_a_benched_filter_is_not_stopped_again():
    guard = failing("in", "raises", Ping)
    world, client = chain(guard)
    client.say(*FIVE)
    world.hub.stop()
    assert guard.plugin.stopped == 1


def test_nothing_passes_a_closed_filter_that_is_benched():
    guard = failing("in", "raises", Ping, closed=True)
    world, client = chain(guard, other := Judge(lambda *_: None))
    client.say(*FIVE)
    client.heard()
    asked = len(other.asked["in"] + other.asked["out"])
    client.say(ONE)
    world.guest.say(TWO)
    assert world.guest.heard() == client.heard() == []
    assert len(other.asked["in"] + other.asked["out"]) == asked


def offer(*numbers):
    return AnnounceCapabilities(1, Capabilities.of(*numbers).to_words())


def test_clients_are_offered_nothing_by_a_closed_filter_that_is_benched():
    guard = failing("in", "raises", Ping, closed=True)
    vm = ModelVM([Relay(Ping, relayed=PINGS)], [guard])
    vm.agent.come_up(LINUX_AGENT)
    client, quiet = vm.client(), vm.client(negotiated=False)
    client.heard()
    quiet.heard()
    client.say(*FIVE)
    assert client.heard()[-1] == offer(13)
    assert quiet.heard() == [offer(13)]
    newcomer = vm.client(negotiated=False)
    assert newcomer.heard() == [offer(13)]
    newcomer.announce(0)
    newcomer.say(FileXferStart(7, "a.txt", 10))
    assert newcomer.heard() == [FileXferStatus(7, 7)]


def test_a_new_guest_is_offered_nothing_by_a_closed_filter_that_is_benched():
    guard = failing("in", "raises", Ping, closed=True)
    world, client = chain(guard)
    client.say(*FIVE)
    world.guest.leave()
    world.guest.connect()
    (offered,) = world.guest.heard()
    assert offered.capabilities == Capabilities()


def test_offers_are_made_as_without_it_when_another_filter_is_benched():
    def judge(way, peer, message):
        if isinstance(message, Ping):
            raise ValueError(SECRET)
        if isinstance(message, AnnounceCapabilities) and way == "out":
            return Replace(AnnounceCapabilities(1, ()))
        return None

    _, client = chain(Judge(judge))
    client.say(*FIVE)
    (made_anew,) = [m for m in client.heard() if isinstance(m, AnnounceCapabilities)]
    assert made_anew.capabilities == PINGS | Capabilities.of(13)


class BadStart(Filter):
    def __init__(self):
        self.stopped = False

    def start(self, vm):
        raise ValueError(SECRET)

    def stop(self):
        self.stopped = True


class BadStop(Filter):
    def stop(self):
        raise ValueError(SECRET)


@closed_or_not
def test_a_filter_that_cannot_start_is_benched(closed):
    plugin = BadStart()
    with logged() as lines:
        world = World(
            Relay(Ping, relayed=PINGS),
            filters=[installed("guard", plugin, closed=closed)],
        )
    (line,) = criticals(lines)
    assert line["reason"] == "it could not start"
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    client.say(ONE)
    assert world.guest.heard() == ([] if closed else [ONE])
    world.hub.stop()
    assert not plugin.stopped


def test_a_filter_that_cannot_stop_keeps_no_other_from_stopping():
    other = Judge(lambda *_: None)
    world, _ = chain(other, BadStop())
    with logged() as lines:
        world.hub.stop()
    assert other.stopped == 1
    assert len(lines.having("filter BadStop failed")) == 1


class BadAuditor(Filter):
    def decided(self, decision):
        if isinstance(decision.message, Ping):
            raise ValueError(SECRET)


@closed_or_not
def test_an_auditor_that_keeps_failing_is_benched(closed):
    world, client = chain(installed("audit", BadAuditor(), closed=closed))
    with logged() as lines:
        client.say(ONE, TWO, ONE)
    assert len(criticals(lines).having("filter audit is benched")) == 1
    # The decisions on two pings in and two out, and on the third that came in.
    assert world.guest.heard() == [ONE, TWO] + ([] if closed else [ONE])


@each_fault
def test_no_other_vm_notices(fault):
    world, client = chain(failing("in", fault, Ping, closed=True))
    other_world, other_client = chain(good := Judge(lambda *_: None))
    client.say(*FIVE, *FIVE)
    wait_out(world)
    other_client.say(*FIVE)
    other_world.guest.say(ONE)
    assert other_world.guest.heard() == FIVE
    assert other_client.heard() == [ONE]
    assert good.asked["in"][-6:] == [*FIVE, ONE]


@each_fault
def test_no_other_client_notices(fault):
    def judge(way, peer, message):
        wrong = way == "in" and isinstance(message, Ping) and peer is client.peer
        return FAULTS[fault](message) if wrong else None

    world = World(
        Relay(Ping, relayed=PINGS),
        filters=[installed("guard", Judge(judge), closed=True)],
    )
    world.guest.come_up(WITH_PINGS)
    client, other = (world.ready_client(WITH_PINGS) for _ in range(2))
    client.say(*FIVE[:4])
    other.say(ONE)
    world.guest.say(TWO)
    assert world.guest.heard() == [ONE]
    assert other.heard() == [TWO]
    assert not other.transport.losing
    wait_out(world)
    assert not client.transport.losing
