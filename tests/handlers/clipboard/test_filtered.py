"""What filters refuse of GRABs, requests and data, and what everybody is told then."""

from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import (
    CLIENTS,
    EMPTY,
    NONE,
    PNG,
    TEXT,
    all_heard,
    asked,
    desks,
    given,
    grabbed,
    released,
)
from tests.hub.doubles import GTK, logged
from tests.hub.faults import Judge, Slow, dropping, installed
from tests.link.frames import LINUX, WINDOWS
from vdproxy.hub.verdicts import Drop, Replace
from vdproxy.wire.messages import Clipboard, ClipboardGrab, ClipboardRequest

DATA = given(b"abc")

each_client = pytest.mark.parametrize("word", CLIENTS.values(), ids=CLIENTS)
each_way = pytest.mark.parametrize("way", ["in", "out"])


@pytest.fixture(autouse=True)
def _no_handler_fails():
    with logged() as lines:
        yield
    assert lines.having("handler").texts == []


def only(way, name, answer, *types):
    """Return a filter that says *answer* of these types to or from one peer."""

    def judge(direction, peer, message):
        wanted = direction == way and isinstance(message, types)
        return answer(message) if wanted and peer.name == name else None

    return Judge(judge)


def refuse(message):
    return Drop("not here")


def text_alone(grab):
    types = tuple(type for type in grab.types if type == TEXT)
    return Replace(ClipboardGrab(grab.selection, types, grab.serial))


def named_desks(*names, filters, guest=LINUX, word=GTK):
    """Return a world whose agent is up, and ready clients of these names."""
    world, *_ = desks(filters=filters, guest=guest)
    return world, *[_ready(world, name, word) for name in names]


def _ready(world, name, word):
    client = world.client(word, name=name)
    client.negotiate()
    return client


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


# GRAB


@each_client
def test_a_client_whose_grab_is_refused_is_shown_who_owns_the_selection(word):
    world, client = desks(word, filters=[only("in", "", refuse, ClipboardGrab)])
    world.guest.grab(TEXT, PNG)
    assert client.heard() == [grabbed(TEXT, PNG)]
    client.grab()
    assert client.heard() == [grabbed(TEXT, PNG)]
    assert world.guest.heard() == []
    client.request()
    world.guest.give(b"abc")
    assert client.heard() == [DATA]


@each_client
def test_a_client_whose_grab_is_refused_hears_a_release_if_nobody_owns_it(word):
    world, client = desks(word, filters=[only("in", "", refuse, ClipboardGrab)])
    client.grab()
    assert client.heard() == [released()]
    assert world.guest.heard() == []


def test_a_client_that_owned_the_selection_loses_it_with_a_refused_grab():
    def judge(message):
        return refuse(message) if PNG in message.types else None

    world, owner, other = named_desks(
        "owner", "other", filters=[only("in", "owner", judge, ClipboardGrab)]
    )
    owner.grab(TEXT)
    assert all_heard(world.guest, other) == [[grabbed(TEXT)], [grabbed(TEXT)]]
    owner.grab(PNG)
    assert all_heard(world.guest, other) == [[released()], [released()]]
    assert owner.heard() == [released()]


def test_a_corrected_client_is_shown_what_filters_had_left_of_the_grab():
    filters = [
        only("out", "desk", text_alone, ClipboardGrab),
        only("in", "desk", refuse, ClipboardGrab),
    ]
    world, desk = named_desks("desk", filters=filters)
    world.guest.grab(TEXT, PNG)
    desk.grab()
    assert desk.heard() == [grabbed(TEXT), grabbed(TEXT)]


def test_a_corrected_client_that_was_shown_nothing_hears_a_release():
    filters = [
        only("out", "desk", refuse, ClipboardGrab),
        only("in", "desk", refuse, ClipboardGrab),
    ]
    world, desk = named_desks("desk", filters=filters)
    world.guest.grab(TEXT)
    assert desk.heard() == []
    desk.grab()
    assert desk.heard() == [released()]


@pytest.mark.parametrize(
    ("verdict", "heard"), [(None, grabbed()), (Drop("no"), released())]
)
def test_a_corrected_client_is_shown_what_filters_decide_in_time(verdict, heard):
    slow = Slow(ClipboardGrab, only="out")
    guard = only("in", "", refuse, ClipboardGrab)
    world, client = desks(GTK, filters=[guard, slow])
    world.guest.grab()
    client.grab(crossing=True)
    assert client.heard() == []
    slow.questions[0].say(verdict)
    assert client.heard() == [heard]


def test_a_corrected_client_hears_of_the_next_owner_all_the_same():
    slow = Slow(ClipboardGrab, only="out")
    guard = only("in", "", refuse, ClipboardGrab)
    world, client = desks(GTK, filters=[guard, slow])
    world.guest.grab()
    client.grab(crossing=True)
    world.guest.release()
    world.wait(1)
    assert client.heard() == [released()]


def test_a_guest_whose_grab_is_refused_owns_the_selection_with_nothing_in_it():
    world, client = desks(GTK, filters=[only("in", "guest", refuse, ClipboardGrab)])
    client.grab()
    world.guest.heard()
    world.guest.grab()
    assert world.guest.heard() == []
    client.request()
    assert client.heard() == [NONE]


@each_client
def test_who_is_not_shown_a_grab_keeps_the_view_it_had(word):
    guard = only(
        "out", "desk", lambda m: refuse(m) if PNG in m.types else None, ClipboardGrab
    )
    world, desk, other = named_desks("desk", "other", filters=[guard], word=word)
    world.guest.grab(TEXT)
    assert desk.heard() == [grabbed(TEXT)]
    other.grab(PNG)
    assert desk.heard() == []
    desk.request(TEXT)
    assert desk.heard() == [NONE]
    other.release()
    world.wait(1)
    assert desk.heard() == [released()]


def test_who_was_shown_nothing_hears_nothing_of_the_end():
    guard = only("out", "desk", refuse, ClipboardGrab)
    world, desk = named_desks("desk", filters=[guard])
    world.guest.grab()
    world.guest.release()
    world.wait(1)
    assert desk.heard() == []


def test_a_type_that_was_not_shown_cannot_be_asked_for():
    guard = only("out", "desk", text_alone, ClipboardGrab)
    world, desk, other = named_desks("desk", "other", filters=[guard])
    world.guest.grab(TEXT, PNG)
    assert desk.heard() == [grabbed(TEXT)]
    desk.request(PNG)
    assert desk.heard() == [NONE]
    assert world.guest.heard() == []
    desk.request(TEXT)
    other.request(PNG)
    assert world.guest.heard() == [asked(TEXT)]


def test_a_type_that_was_kept_for_others_cannot_be_asked_for_either():
    guard = only("out", "desk", text_alone, ClipboardGrab)
    world, desk, other = named_desks("desk", "other", filters=[guard])
    world.guest.grab(TEXT, PNG)
    other.request(PNG)
    world.guest.give(b"png", PNG)
    desk.request(PNG)
    assert desk.heard() == [grabbed(TEXT), NONE]


def test_a_type_cannot_be_asked_for_while_filters_judge_the_grab():
    slow = Slow(ClipboardGrab, only="out")
    world, client = desks(GTK, filters=[slow])
    world.guest.grab(TEXT, PNG)
    client.request(PNG)
    slow.questions[0].say(Replace(grabbed(TEXT)))
    assert world.guest.heard() == []
    assert client.heard() in (
        [grabbed(TEXT), NONE],
        [NONE, grabbed(TEXT)],
    )


def test_a_guest_that_is_not_shown_a_grab_can_ask_for_nothing():
    world, client = desks(GTK, filters=[only("out", "guest", refuse, ClipboardGrab)])
    client.grab()
    assert world.guest.heard() == []
    world.guest.request()
    (answer,) = world.guest.heard()
    assert answer.data == b""
    assert client.heard() == []


def test_a_refused_grab_takes_nothing_from_one_that_is_still_judged():
    slow = Slow(ClipboardGrab, only="out")
    world, client = desks(GTK, filters=[slow])
    world.guest.grab(TEXT)
    world.guest.release()
    world.guest.grab(PNG)
    world.wait(1)
    slow.questions[0].say(Drop("no"))
    slow.questions[-1].say()
    assert client.heard()[-1] == grabbed(PNG)
    world.guest.release()
    world.wait(1)
    assert client.heard() == [released()]


def test_the_serials_of_a_client_are_right_after_refused_grabs():
    world, client = desks(GTK, filters=[only("in", "", refuse, ClipboardGrab)])
    for _ in range(3):
        world.guest.grab()
        client.grab()
    assert client.heard() == [grabbed()] * 6
    assert client.stamps == sorted(set(client.stamps))


def test_the_serials_of_a_client_are_right_after_withheld_grabs():
    verdicts = iter([refuse, lambda m: None, refuse, lambda m: None])
    guard = only("out", "desk", lambda m: next(verdicts)(m), ClipboardGrab)
    world, desk = named_desks("desk", filters=[guard])
    for types in ((TEXT,), (PNG,), (TEXT,), (PNG,)):
        world.guest.grab(*types)
    assert desk.heard() == [grabbed(PNG), grabbed(PNG)]
    desk.grab()
    assert world.guest.heard() == [grabbed()]


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
