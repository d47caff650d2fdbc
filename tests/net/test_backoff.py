"""Delays between tries: how short, how long, how different."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from vdproxy.net.backoff import Backoff

#: The most a delay is, seconds: doubled from try to try, up to 5.
STEPS = [0.15, 0.3, 0.6, 1.2, 2.4, 4.8, 5.0, 5.0]

#: Those that may end with a quarter of a second by the clock.
LONG = [index for index, step in enumerate(STEPS) if step > 1.0]


@pytest.fixture
def clock():
    clock = Clock()
    clock.advance(1000.1)
    return clock


@pytest.fixture
def delays(clock):
    """Many VMs' delays, a list of the tries for each."""
    return [[backoff.delay() for _ in STEPS] for backoff in _backoffs(clock, 200)]


def _backoffs(clock, count):
    return [Backoff(clock) for _ in range(count)]


def test_every_delay_is_within_the_bounds(delays):
    for tries in delays:
        assert all(0.1 <= delay <= 5.0 for delay in tries)


def test_a_delay_is_above_the_30_ms_that_a_guests_socket_needs(delays):
    assert min(tries[0] for tries in delays) > 0.03


@pytest.mark.parametrize("index", range(len(STEPS)))
def test_a_delay_is_its_step_or_up_to_a_third_less(delays, index):
    step = STEPS[index]
    put_off = 0.25 if index in LONG else 0.0
    for tries in delays:
        assert step * 2 / 3 - put_off <= tries[index] <= step


@pytest.mark.parametrize("index", range(len(STEPS)))
def test_delays_differ_so_that_vms_do_not_try_together(delays, index):
    spread = {round(tries[index], 6) for tries in delays}
    assert len(spread) > (2 if index in LONG else 20)
    assert max(spread) - min(spread) > 0.1 * STEPS[index]


def test_tries_that_have_time_come_together_four_times_a_second(clock):
    moments = set()
    for backoff in _backoffs(clock, 500):
        for _ in STEPS:
            backoff.delay()
        moments.add(round(clock.seconds() + backoff.delay(), 6))
        clock.advance(0.001)
    assert all((4 * moment).is_integer() for moment in moments)
    assert 5 <= len(moments) <= 10


def test_the_longest_delay_lasts(clock):
    backoff = Backoff(clock)
    assert all(delay > 3.0 for delay in [backoff.delay() for _ in range(50)][10:])


def test_after_a_reset_it_begins_again(clock):
    backoff = Backoff(clock)
    for _ in range(10):
        backoff.delay()
    backoff.reset()
    assert 0.1 <= backoff.delay() <= 0.15
    assert 0.2 <= backoff.delay() <= 0.3
