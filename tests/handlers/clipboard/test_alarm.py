from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from vdproxy.handlers.clipboard.alarm import Alarm


@pytest.mark.parametrize("dues", [(2, 5), (5, 2), (5, 2, 5, 2)])
def test_it_rings_once_at_the_first_time_that_it_was_set_to(dues):
    clock, rung = Clock(), []
    alarm = Alarm(clock, lambda: rung.append(clock.seconds()))
    clock.advance(1)
    for due in dues:
        alarm.set(due)
    for _ in range(10):
        clock.advance(1)
    assert rung == [2]


def test_what_is_overdue_rings_in_a_moment_and_not_at_once():
    clock, rung = Clock(), []
    alarm = Alarm(clock, lambda: rung.append(clock.seconds()))
    clock.advance(9)
    alarm.set(5)
    assert rung == []
    clock.advance(0)
    assert rung == [9]


def test_it_can_be_set_anew_by_what_it_has_called():
    clock, rung = Clock(), []

    def ring():
        rung.append(clock.seconds())
        if len(rung) < 3:
            alarm.set(clock.seconds() + 2)

    alarm = Alarm(clock, ring)
    alarm.set(1)
    for _ in range(10):
        clock.advance(1)
    assert rung == [1, 3, 5]


@pytest.mark.parametrize("due", [2, 9])
def test_it_can_be_set_anew_when_all_of_a_clocks_calls_were_cancelled(due):
    clock, rung = Clock(), []
    alarm = Alarm(clock, lambda: rung.append(clock.seconds()))
    alarm.set(5)
    for call in clock.getDelayedCalls():
        call.cancel()
    alarm.set(due)
    for _ in range(10):
        clock.advance(1)
    assert rung == [due]
