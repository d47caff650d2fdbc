"""Methods of handlers are called one at a time, whatever filters do meanwhile."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.hub.doubles import PINGS, Ping, World, logged
from tests.hub.faults import (
    WITH_PINGS,
    Auditing,
    Judge,
    Slow,
    Witness,
    dropping,
    on,
    ping,
)
from vdproxy.hub.isolation import Failed, Turn
from vdproxy.hub.verdicts import Drop

ONE, TWO, THREE = map(ping, (1, 2, 3))


def test_what_follows_from_a_call_waits_until_the_outermost_has_ended():
    turn, done = Turn(), []

    def inner():
        turn.later(lambda: done.append("later"))
        done.append("inner")

    def outer():
        turn.take(inner)
        done.append("outer")

    turn.take(outer)
    assert done == ["inner", "outer", "later"]


def test_with_no_call_to_wait_for_it_happens_at_once():
    turn, done = Turn(), []
    turn.later(lambda: done.append("later"))
    assert done == ["later"]


def test_what_follows_happens_in_order_and_after_a_failure_too():
    turn, done = Turn(), []
    error = ValueError()

    def call():
        turn.later(lambda: done.append(1))
        turn.later(lambda: done.append(2))
        raise error

    assert turn.take(call) == Failed(error)
    assert done == [1, 2]


class Alone(Witness):
    """Sees to it that no two of its methods are at work."""

    def __init__(self):
        super().__init__(Ping, relayed=PINGS)
        self._at_work = False

    def received(self, peer, message):
        assert not self._at_work
        self._at_work = True
        super().received(peer, message)
        self._at_work = False


def test_a_verdict_that_a_filter_comes_to_in_another_call_waits_for_its_end():
    held = Deferred()

    def judge(way, peer, message):
        if way == "in" and message == ONE:
            return held
        if way == "out" and message == TWO:
            held.callback(None)
        return None

    world = World(Alone(), filters=[Judge(judge)])
    world.guest.come_up(WITH_PINGS)
    client, other = (world.ready_client(WITH_PINGS) for _ in range(2))
    client.say(ONE)
    with logged() as lines:
        other.say(TWO)
    assert world.guest.heard() == [TWO, ONE]
    assert not lines


def test_what_a_filter_lets_pass_while_a_drop_is_made_up_for_is_judged_as_ever():
    class Releasing(Auditing):
        def decided(self, decision):
            if decision.outcome == "answered":
                slow.questions[0].say()

    class Answering(Witness):
        def dropped(self, peer, message, reason):
            peer.send(THREE)

    refusing = on("in", lambda m: Drop("no") if m == TWO else None, Ping)
    slow, guard = Slow(only="in"), dropping("out", Ping)
    filters = [refusing, slow, guard, Releasing()]
    world = World(Answering(Ping, relayed=PINGS), filters=filters)
    world.guest.come_up(WITH_PINGS)
    client, other = (world.ready_client(WITH_PINGS) for _ in range(2))
    client.say(ONE)
    other.say(TWO)
    assert other.heard() == [THREE]
    assert guard.asked["out"][-1] == ONE
    assert world.guest.heard() == []


def test_who_is_heard_again_while_a_drop_is_made_up_for_is_judged_as_ever():
    class Resuming(Witness):
        def dropped(self, peer, message, reason):
            client.peer.resume()
            peer.send(THREE)

    guard = dropping("in", Ping)
    guarded = on("out", lambda m: Drop("no") if m == TWO else None, Ping)
    refusing = on("in", lambda m: Drop("no") if m == ONE else None, Ping)
    world = World(Resuming(Ping, relayed=PINGS), filters=[refusing, guarded])
    world.guest.come_up(WITH_PINGS)
    client, other = (world.ready_client(WITH_PINGS) for _ in range(2))
    client.peer.pause()
    client.say(TWO)
    other.say(ONE)
    assert guard.asked["in"] == []
    assert guarded.asked["out"][-1] == TWO
    assert world.guest.heard() == []
    assert other.heard() == [THREE]


def test_what_is_on_account_of_a_drop_asks_no_filter_and_what_follows_does():
    class Answering(Witness):
        def dropped(self, peer, message, reason):
            peer.send(TWO)
            self.vm.clock.callLater(1, peer.send, THREE)

    guard = dropping("out", Ping)
    world = World(Answering(Ping, relayed=PINGS), filters=[guard, dropping("in", Ping)])
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    client.say(ONE)
    assert client.heard() == [TWO]
    assert TWO not in guard.asked["out"]
    world.wait(1)
    assert client.heard() == []
    assert guard.asked["out"][-1] == THREE
