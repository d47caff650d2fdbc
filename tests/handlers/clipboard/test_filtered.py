"""What filters refuse of requests and data, and what everybody is told then."""

from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import (
    EMPTY,
    NONE,
    PNG,
    TEXT,
    all_heard,
    asked,
    desks,
    given,
    grabbed,
)
from tests.handlers.clipboard.judging import (
    DATA,
    each_client,
    named_desks,
    only,
    refuse,
)
from tests.hub.doubles import GTK, logged
from tests.hub.faults import Slow, dropping, installed
from tests.link.frames import LINUX, WINDOWS
from vdproxy.hub.verdicts import Drop, Replace
from vdproxy.wire.messages import Clipboard, ClipboardRelease, ClipboardRequest

pytestmark = pytest.mark.usefixtures("_no_handler_fails")


each_way = pytest.mark.parametrize("way", ["in", "out"])


# REQUEST


@each_way
@each_client
def test_a_refused_request_of_a_client_is_answered_with_nothing(way, word):
    world, client = desks(word, filters=[dropping(way, ClipboardRequest)])
    world.guest.grab()
    client.request()
    assert client.heard() == [grabbed(), NONE]
    assert world.guest.heard() == []


@each_way
@pytest.mark.parametrize(("guest", "answer"), [(LINUX, EMPTY), (WINDOWS, NONE)])
def test_a_refused_request_of_the_guest_is_answered_as_it_knows_it(way, guest, answer):
    filters = [dropping(way, ClipboardRequest)]
    world, client = desks(GTK, filters=filters, guest=guest)
    client.grab()
    world.guest.heard()
    world.guest.request()
    assert world.guest.heard() == [answer]
    assert client.heard() == []


def test_all_who_wait_for_a_withheld_question_are_answered():
    slow = Slow(ClipboardRequest, only="out")
    world, one, other = desks(GTK, GTK, filters=[slow])
    world.guest.grab(TEXT, PNG)
    one.request(TEXT)
    other.request(TEXT)
    other.request(PNG)
    all_heard(one, other)
    slow.questions[0].say(Drop("no"))
    assert one.heard() == [NONE]
    assert other.heard() == [NONE]
    world.wait(0)
    assert slow.questions[1].message == asked(PNG)
    slow.questions[1].say()
    assert world.guest.heard() == [asked(PNG)]


def test_the_next_question_after_a_refused_one_is_judged():
    def judge(message):
        return refuse(message) if message.type == TEXT else None

    guard = only("out", "guest", judge, ClipboardRequest)
    world, client = desks(GTK, filters=[guard])
    world.guest.grab(TEXT, PNG)
    client.request(TEXT)
    client.request(PNG)
    world.wait(0.01)
    assert guard.asked["out"].count(asked(TEXT)) == 1
    assert guard.asked["out"].count(asked(PNG)) == 1
    world.guest.give(b"png", PNG)
    assert client.heard() == [grabbed(TEXT, PNG), NONE, given(b"png", PNG)]


# CLIPBOARD


@each_way
@each_client
def test_refused_data_are_nothing_for_a_client(way, word):
    world, client = desks(word, filters=[dropping(way, Clipboard)])
    world.guest.grab()
    client.request()
    world.guest.give(b"abc")
    assert client.heard() == [grabbed(), NONE]


@each_way
@pytest.mark.parametrize(("guest", "answer"), [(LINUX, EMPTY), (WINDOWS, NONE)])
def test_refused_data_are_nothing_for_the_guest(way, guest, answer):
    world, client = desks(GTK, filters=[dropping(way, Clipboard)], guest=guest)
    client.grab()
    world.guest.heard()
    world.guest.request()
    client.give(b"abc")
    assert world.guest.heard() == [answer]


def test_data_refused_to_one_are_given_to_another_who_waits():
    guard = only("out", "ci", refuse, Clipboard)
    world, ci, desk = named_desks("ci", "desk", filters=[guard])
    world.guest.grab()
    ci.request()
    desk.request()
    world.guest.give(b"abc")
    assert ci.heard() == [grabbed(), NONE]
    assert desk.heard() == [grabbed(), DATA]


def test_data_that_are_refused_as_they_come_in_are_not_kept_for_others():
    world, client = desks(GTK, filters=[dropping("in", Clipboard)])
    world.guest.grab()
    client.request()
    world.guest.give(b"abc")
    client.heard()
    world.wait(0.01)
    client.request()
    assert world.guest.heard() == [asked(), asked()]
    assert client.heard() == []


def test_data_may_be_replaced():
    def upper(message):
        return Replace(given(message.data.upper()))

    world, client = named_desks("desk", filters=[only("in", "guest", upper, Clipboard)])
    world.guest.grab()
    client.request()
    world.guest.give(b"abc")
    assert client.heard() == [grabbed(), given(b"ABC")]


def test_what_makes_up_for_refused_data_asks_no_filter():
    guard = dropping("out", Clipboard)
    world, client = desks(GTK, filters=[guard])
    world.guest.grab()
    client.request()
    world.guest.give(b"abc")
    assert client.heard()[-1] == NONE
    assert guard.asked["out"][-1] == DATA


# Deadlines


def half_way(way):
    """Return a world in which filters take their time over data for a client."""
    slow = Slow(Clipboard, only=way)
    world, client = desks(GTK, filters=[slow])
    world.guest.grab()
    client.request()
    world.guest.give(b"abc")
    client.heard()
    return world, client, slow


@each_way
def test_who_waits_is_given_nothing_before_the_filter_has_had_its_time(way):
    world, client, _ = half_way(way)
    world.wait(2.4)
    assert client.heard() == []
    world.wait(0.2)
    assert client.heard() == [NONE]
    world.wait(10)
    assert client.heard() == []


@each_way
def test_a_verdict_after_the_deadline_gives_nobody_anything(way):
    world, client, slow = half_way(way)
    world.wait(3)
    slow.questions[0].say()
    assert client.heard() == [NONE]


def test_the_guest_is_given_nothing_as_it_knows_it_at_its_deadline():
    slow = Slow(Clipboard, only="out")
    world, client = desks(GTK, filters=[slow])
    client.grab()
    world.guest.heard()
    world.guest.request()
    client.give(b"abc")
    world.wait(2.6)
    assert world.guest.heard() == [EMPTY]
    slow.questions[0].say()
    assert world.guest.heard() == []


@each_way
def test_a_filter_that_hangs_on_data_fails_all_the_same(way):
    slow = Slow(Clipboard, only=way)
    world, client = desks(GTK, filters=[installed("guard", slow)])
    client.grab()
    with logged() as lines:
        for _ in range(3):
            world.guest.request()
            client.give(b"abc")
            world.wait(10)
    failures = lines.having("filter guard failed on a VD_AGENT_CLIPBOARD ")
    assert len(failures.having("no answer in 5 s")) == 3
    assert world.guest.heard().count(EMPTY) == 3


@pytest.mark.parametrize("guest", [LINUX, WINDOWS])
def test_who_asks_is_answered_before_the_filter_has_had_its_time(guest):
    slow = Slow(ClipboardRequest, only="in")
    world, client = desks(GTK, guest=guest, filters=[slow])
    client.grab()
    world.guest.heard()
    world.guest.request()
    world.wait(2.375)
    assert world.guest.heard() == []
    world.wait(0.125)
    assert [answer.data for answer in world.guest.heard()] == [b""]
    slow.questions[0].say()
    assert client.heard() == []
    assert world.nothing_runs()


def test_data_that_were_kept_have_a_deadline_too():
    """They need no question to the guest."""
    slow = Slow(Clipboard, only="out")
    world, one, other = desks(GTK, GTK, filters=[slow])
    world.guest.grab()
    one.request()
    world.guest.give(b"abc")
    slow.questions[0].say()
    all_heard(one, other)
    other.request()
    assert world.guest.heard() == [asked()]
    world.wait(2.4)
    assert other.heard() == []
    world.wait(0.2)
    assert other.heard() == [NONE]


def test_a_question_that_nobody_waits_for_any_more_is_not_asked():
    """Its late answer would be taken for that to the next one."""
    slow = Slow(ClipboardRequest, only="out")
    world, client = desks(GTK, filters=[slow])
    world.guest.grab(TEXT, PNG)
    client.request(TEXT)
    world.wait(3)
    client.request(PNG)
    slow.questions[0].say()
    world.wait(0.01)
    slow.questions[-1].say()
    assert world.guest.heard() == [asked(PNG)]
    world.guest.give(b"png", PNG)
    assert client.heard() == [grabbed(TEXT, PNG), NONE, given(b"png", PNG)]


def test_a_hanging_filter_does_not_mix_up_questions():
    slow = Slow(ClipboardRequest, only="out")
    world, client = desks(GTK, filters=[slow])
    world.guest.grab(TEXT, PNG)
    client.request(TEXT)
    world.wait(3)
    client.request(PNG)
    world.wait(5.1)
    heard = world.guest.heard()
    assert len(heard) <= 1
    for message in heard:
        world.guest.give(b"late", message.type)
    assert given(b"late", TEXT) not in client.heard()


def test_nothing_runs_when_a_paste_is_over():
    slow = Slow(Clipboard, only="out")
    world, client = desks(GTK, filters=[slow])
    world.guest.grab()
    client.request()
    world.guest.give(b"abc")
    slow.questions[0].say()
    assert client.heard() == [grabbed(), DATA]
    world.wait(61)
    assert world.nothing_runs()


def test_who_is_not_told_of_a_release_has_nothing_all_the_same():
    world, client = desks(GTK, filters=[dropping("out", ClipboardRelease)])
    world.guest.grab()
    world.guest.release()
    world.wait(1)
    assert client.heard() == [grabbed()]
    client.request()
    assert client.heard() == [NONE]
    assert world.guest.heard() == []
