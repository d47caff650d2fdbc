"""How long a filter may take, and what becomes of answers that come later."""

from __future__ import annotations

import gc
import time
from dataclasses import replace

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import LogLevel

from tests.hub.doubles import Ping, Relay, logged, up_world
from tests.hub.faults import (
    LIMIT,
    SECRET,
    WITH_PINGS,
    Judge,
    Slow,
    Stubborn,
    chain,
    installed,
    on,
    ping,
)
from vdproxy.hub.filter import Filter
from vdproxy.hub.verdicts import Drop, Replace
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import Clipboard

ONE, TWO, THREE = map(ping, (1, 2, 3))

each_way = pytest.mark.parametrize("way", ["in", "out"])

LATE = [
    lambda answer: answer.callback(None),
    lambda answer: answer.callback(Drop("no")),
    lambda answer: answer.callback(Replace(TWO)),
    lambda answer: answer.callback(42),
    lambda answer: answer.errback(ValueError(SECRET)),
]


def waiting(way, answer, *, closed=False):
    """Return a world in which a ping of a client has waited for *answer*."""
    guard = installed("guard", on(way, lambda m: answer, Ping), closed=closed)
    world, client = chain(guard)
    client.say(ONE)
    return world, client


@each_way
def test_a_filter_has_five_seconds_by_the_clock_of_the_vm(way):
    world, _ = waiting(way, Deferred())
    world.clock.advance(LIMIT - 0.001)
    assert world.guest.heard() == []
    with logged() as lines:
        world.clock.advance(0.001)
    assert world.guest.heard() == [ONE]
    where = "of vdi#1" if way == "in" else "to guest"
    assert lines.texts == [
        f"one: filter guard failed on a type 200 {where}: no answer in 5 s"
    ]


@each_way
def test_what_a_closed_filter_does_not_judge_in_time_is_dropped(way):
    world, _ = waiting(way, Deferred(), closed=True)
    world.clock.advance(LIMIT)
    assert world.guest.heard() == []
    assert world.hub.counters["dropped"] == 1


@each_way
def test_an_answer_in_the_last_moment_counts(way):
    answer = Deferred()
    world, _ = waiting(way, answer)
    world.clock.advance(LIMIT - 0.001)
    answer.callback(Replace(TWO))
    world.clock.advance(1)
    assert world.guest.heard() == [TWO]


@pytest.mark.parametrize("answer_late", LATE)
@each_way
def test_an_answer_that_comes_too_late_is_swallowed(way, answer_late, logged_failures):
    answer = Stubborn()
    world, client = waiting(way, answer)
    world.clock.advance(LIMIT)
    assert world.guest.heard() == [ONE]
    with logged() as lines:
        answer_late(answer)
        del answer
        gc.collect()
    assert not lines
    assert world.guest.heard() == client.heard() == []


def test_what_takes_too_long_is_cancelled():
    slow = Slow(only="in")
    world, client = chain(slow)
    client.say(ONE)
    world.clock.advance(LIMIT - 0.001)
    assert not slow.questions[0].answer.cancelled
    world.clock.advance(0.001)
    assert slow.questions[0].answer.cancelled


def test_a_coroutine_that_takes_too_long_is_cancelled():
    ends = []

    async def judge(message):
        try:
            await Deferred()
        except CancelledError:
            ends.append("cancelled")
            raise

    world, client = chain(on("in", judge, Ping))
    client.say(ONE)
    world.clock.advance(LIMIT)
    assert ends == ["cancelled"]
    assert world.guest.heard() == [ONE]


def test_a_canceller_that_raises_harms_nobody():
    def canceller(answer):
        raise ValueError(SECRET)

    answer = Deferred(canceller)
    world, client = waiting("in", answer)
    with logged() as lines:
        world.clock.advance(LIMIT)
        answer.errback(ValueError(SECRET))
        del answer
        gc.collect()
    assert world.guest.heard() == [ONE]
    assert len(lines) == 1
    client.say(THREE)
    world.clock.advance(LIMIT)
    assert world.guest.heard() == [THREE]


def test_a_canceller_may_answer_and_is_too_late_as_well():
    answer = Deferred(lambda answer: answer.callback(Replace(TWO)))
    world, _ = waiting("in", answer)
    world.clock.advance(LIMIT)
    assert world.guest.heard() == [ONE]


def test_nothing_is_left_on_the_clock_of_what_was_answered():
    answer = Deferred()
    world, _ = waiting("in", answer)
    answer.callback(None)
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


@each_way
def test_a_call_that_blocks_is_logged_with_the_filter_and_the_type(way):
    def block(message):
        time.sleep(0.08)

    world, client = chain(installed("guard", on(way, block, Ping)))
    with logged() as lines:
        client.say(Ping(SECRET.encode()))
    assert world.guest.heard() == [Ping(SECRET.encode())]
    (line,) = lines
    assert line["log_level"] is LogLevel.warn
    assert line["filter"] == "guard"
    assert 80 <= line["milliseconds"] < 500
    assert "filter guard took " in lines.texts[0]
    where = "of vdi#1" if way == "in" else "to guest"
    assert f" ms on a type 200 {where}," in lines.texts[0]
    assert SECRET not in lines.all_there_is


def test_a_call_that_does_not_block_is_not_logged():
    world, client = chain(on("in", lambda m: time.sleep(0.01), Ping))
    with logged() as lines:
        client.say(ONE)
    assert not lines
    assert world.guest.heard() == [ONE]


def test_a_filter_that_has_failed_and_then_not_is_no_failing_one():
    """Only failures in a row count, of messages in one direction."""
    faults = iter("xxxx.xxxx.")

    def judge(message):
        if next(faults) == "x":
            raise ValueError(SECRET)

    plugin = on("in", judge, Ping)
    world, client = chain(plugin)
    client.say(*map(ping, range(10)))
    assert len(world.guest.heard()) == 10
    assert plugin.stopped == 0


def test_failures_in_one_direction_are_not_made_good_by_the_other():
    def judge(way, peer, message):
        if way == "out" and isinstance(message, Ping):
            raise ValueError(SECRET)

    plugin = Judge(judge)
    world, client = chain(plugin)
    client.say(*map(ping, range(5)))
    assert plugin.stopped == 1
    assert len(world.guest.heard()) == 5


class Counting(Filter):
    """Counts by its clock what it has started."""

    def __init__(self):
        self.ticks = 0

    def start(self, vm):
        self._clock = vm.clock
        self._tick()

    def _tick(self):
        self.ticks += 1
        self._clock.callLater(1, self._tick)

    def incoming(self, peer, message):
        if isinstance(message, Ping):
            raise ValueError(SECRET)


def test_what_a_filter_has_put_on_its_clock_ends_when_it_is_benched():
    plugin = Counting()
    world, client = chain(plugin)
    world.wait(2)
    assert plugin.ticks == 3
    client.say(*map(ping, range(5)))
    world.wait(5)
    assert plugin.ticks == 3


def test_what_a_filter_has_put_on_its_clock_ends_with_the_hub():
    plugin = Counting()
    world, client = chain(plugin)
    world.hub.stop()
    client.leave()
    world.guest.leave()
    assert world.clock.getDelayedCalls() == []


def test_a_filter_whose_clock_calls_keep_failing_is_benched():
    class Failing(Counting):
        def _tick(self):
            super()._tick()
            if self.ticks > 1:
                raise ValueError(SECRET)

    world, _ = chain(installed("guard", Failing()))
    with logged() as lines:
        world.wait(10)
    (line,) = lines.having("is benched")
    assert line["log_level"] is LogLevel.critical
    assert SECRET not in lines.all_there_is


@pytest.mark.parametrize("closed", [False, True])
def test_what_a_filter_is_asked_when_it_is_benched_is_settled_at_once(closed):
    held = Deferred()

    def judge(message):
        if message == ONE:
            return held
        raise ValueError(SECRET)

    world, client = chain(installed("guard", on("in", judge, Ping), closed=closed))
    other = world.ready_client(WITH_PINGS)
    client.say(ONE)
    with logged() as lines:
        other.say(*[TWO] * 5)
    assert len(lines.having("is benched")) == 1
    assert world.guest.heard().count(ONE) == (not closed)
    assert not client.peer.paused
    assert held.called


def test_a_deferred_that_another_message_waits_for_is_not_cancelled():
    held = Deferred()
    world, client = chain(on("in", lambda message: held, Ping))
    other = world.ready_client(WITH_PINGS)
    client.say(ONE)
    other.say(TWO)
    client.leave()
    assert not held.called
    held.callback(None)
    assert world.guest.heard() == [TWO]


def test_a_replacement_about_something_else_is_no_verdict():
    def judge(message):
        return Replace(replace(message, selection=1))

    world = up_world(
        Relay(Clipboard, relayed=Capabilities.of(5, 6)),
        filters=[installed("guard", on("in", judge, Clipboard))],
    )
    client = world.ready_client()
    with logged() as lines:
        client.say(Clipboard(0, 1, b"abc"))
    assert world.guest.heard() == [Clipboard(0, 1, b"abc")]
    assert len(lines.having("by one about another")) == 1
