from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent

from vdproxy.hub.log import VMLog


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(clock):
    return VMLog("one", clock)


@pytest.fixture
def events():
    with capturedLogs() as events:
        yield events


def texts(events):
    return [formatEvent(event) for event in events]


@pytest.mark.parametrize("level", ["info", "warn", "critical"])
def test_a_line_names_its_vm_and_has_its_fields(log, events, level):
    getattr(log, level)("client {client} did {what}", client="a#1", what="it")
    (event,) = events
    assert event["log_level"] == LogLevel.lookupByName(level)
    assert event["log_namespace"] == "vdproxy"
    assert (event["vm"], event["client"], event["what"]) == ("one", "a#1", "it")
    assert texts(events) == ["one: client a#1 did it"]


def test_braces_in_a_field_are_no_format(log, events):
    log.warn("{reason}", reason="{vm} {nothing} {0}")
    assert texts(events) == ["one: {vm} {nothing} {0}"]


def test_ten_lines_of_a_kind_in_ten_seconds_then_a_count(log, events, clock):
    for number in range(25):
        log.info("line {number}", number=number)
    assert texts(events) == [f"one: line {number}" for number in range(10)]
    clock.advance(9.9)
    assert len(events) == 10
    clock.advance(0.2)
    assert len(events) == 11
    assert events[-1]["count"] == 15
    assert events[-1]["vm"] == "one"
    assert texts(events)[-1] == "one: 15 more lines like: line 0"


def test_ten_lines_are_ten_lines_and_no_count(log, events, clock):
    for _ in range(10):
        log.info("line")
    clock.advance(11)
    assert len(events) == 10


def test_a_new_period_has_room_for_ten_more(log, events, clock):
    for _ in range(3):
        for _ in range(12):
            log.info("line")
        clock.advance(10)
    assert texts(events) == (["one: line"] * 10 + ["one: 2 more lines like: line"]) * 3


def test_a_flood_of_one_kind_leaves_the_others_alone(log, events):
    for _ in range(100):
        log.info("flood")
    log.info("other")
    assert texts(events)[-1] == "one: other"


def test_reasons_are_told_apart_but_not_by_their_numbers(log, events):
    for number in range(20):
        log.warn("refused: {reason}", reason=f"bad header, at byte {number}")
    log.warn("refused: {reason}", reason="not on the list")
    assert len(events) == 11
    assert texts(events)[-1] == "one: refused: not on the list"


def test_reasons_that_a_peer_makes_up_do_not_flood_the_log(log, events):
    for number in range(2000):
        word = "".join(chr(ord("a") + int(digit)) for digit in str(number))
        log.warn("refused: {reason}", reason=word)
    assert len(events) <= 200


def test_close_writes_the_counts_that_are_due_and_leaves_no_timer(log, events, clock):
    for _ in range(12):
        log.info("flood")
    log.info("once")
    log.close()
    assert texts(events)[-1] == "one: 2 more lines like: flood"
    assert not clock.getDelayedCalls()


def test_two_vms_have_room_for_ten_lines_each(events, clock):
    for name in ("one", "two"):
        log = VMLog(name, clock)
        for _ in range(11):
            log.info("line")
    assert texts(events) == ["one: line"] * 10 + ["two: line"] * 10
