"""How many lines the audit filter writes at most."""

from __future__ import annotations

import pytest

from tests.filters.audits import (
    CI,
    GUEST,
    START,
    TEXT,
    AloneVM,
    of_audit,
    refused,
    sent,
)
from vdproxy.api import ClipboardRelease
from vdproxy.filters.audit import Options
from vdproxy.testing import logged

PASTE = sent(TEXT, CI, GUEST)
REFUSAL = refused(TEXT, "in", CI)


@pytest.fixture
def vm(tmp_path):
    return AloneVM(Options(tmp_path / "audit.json"))


@pytest.fixture
def events():
    with logged() as events:
        yield events


def flood(vm, decision, count):
    for _ in range(count):
        vm.audit.decided(decision)


def kinds(events):
    return [event["event"] for event in of_audit(events)]


def test_a_thousand_lines_in_ten_seconds_are_a_thousand_lines(vm, events):
    for _ in range(3):
        flood(vm, PASTE, 1000)
        vm.clock.advance(10)
    assert kinds(events) == ["clipboard"] * 3000
    assert len(vm.records()) == 3000


def test_those_above_are_counted_at_the_end_of_the_period(vm, events):
    flood(vm, PASTE, 1)
    vm.clock.advance(9)
    flood(vm, PASTE, 1036)
    assert kinds(events) == ["clipboard"] * 1000
    vm.clock.advance(1)
    assert kinds(events) == ["clipboard"] * 1000 + ["left-out"]
    assert events.texts[-1] == "fedora: left-out of='clipboard' count=37"
    record = vm.records()[-1]
    assert record.pop("time")
    assert record == {
        "vm": "fedora",
        "event": "left-out",
        "of": "clipboard",
        "count": 37,
    }


def test_a_new_period_has_room_again(vm, events):
    flood(vm, PASTE, 1001)
    vm.clock.advance(10)
    flood(vm, PASTE, 1)
    vm.clock.advance(10)
    assert kinds(events) == ["clipboard"] * 1000 + ["left-out", "clipboard"]


def test_each_period_has_its_ten_seconds(vm, events):
    flood(vm, PASTE, 1)
    vm.clock.advance(9)
    flood(vm, PASTE, 1)
    vm.clock.advance(1)
    flood(vm, PASTE, 1000)
    vm.clock.advance(9.5)
    flood(vm, PASTE, 1)
    assert len(kinds(events)) == 1002
    vm.clock.advance(0.5)
    assert (kinds(events)[-1], events[-1]["count"]) == ("left-out", 1)


def test_a_flood_of_refusals_hides_no_hand_over(vm, events):
    flood(vm, REFUSAL, 1500)
    vm.audit.decided(PASTE)
    vm.audit.decided(sent(START, GUEST, CI))
    vm.clock.advance(10)
    assert kinds(events) == ["refusal"] * 1000 + ["clipboard", "file", "left-out"]
    assert (events[-1]["of"], events[-1]["count"]) == ("refusal", 500)


def test_what_is_not_worth_a_line_begins_no_period(vm, events):
    vm.audit.decided(sent(ClipboardRelease(0), CI, GUEST))
    assert vm.clock.getDelayedCalls() == []


def test_a_stop_does_not_lose_the_count(vm, events):
    flood(vm, REFUSAL, 1002)
    vm.audit.stop()
    assert kinds(events)[-1] == "left-out"
    assert events[-1]["count"] == 2
