"""What filters refuse of GRABs, and what everybody believes then."""

from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import (
    NONE,
    PNG,
    TEXT,
    all_heard,
    asked,
    desks,
    grabbed,
    released,
)
from tests.handlers.clipboard.judging import (
    DATA,
    each_client,
    named_desks,
    only,
    refuse,
    text_alone,
)
from tests.hub.doubles import GTK
from tests.hub.faults import Slow
from vdproxy.hub.verdicts import Drop, Replace
from vdproxy.wire.messages import ClipboardGrab

pytestmark = pytest.mark.usefixtures("_no_handler_fails")


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


def test_a_refused_grab_of_another_plugin_changes_nothing():
    guard = only(
        "out", "desk", lambda m: refuse(m) if PNG in m.types else None, ClipboardGrab
    )
    world, desk = named_desks("desk", filters=[guard])
    world.guest.grab(TEXT)
    desk.peer.send(grabbed(PNG))
    assert desk.heard() == [grabbed(TEXT)]
    world.guest.release()
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
