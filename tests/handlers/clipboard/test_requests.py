"""Clients paste what the guest has."""

from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import (
    BMP,
    CLIENTS,
    JPG,
    NONE,
    PNG,
    TEXT,
    TIFF,
    all_heard,
    asked,
    desks,
    given,
    grabbed,
    released,
)
from tests.hub.doubles import GTK
from tests.link.frames import LINUX, WINDOWS

MIB = 1024 * 1024


def offered(*words, types=(TEXT, PNG), **options):
    """Return a world whose guest has grabbed, which counts as heard."""
    world, *clients = desks(*words, **options)
    world.guest.grab(*types)
    all_heard(*clients)
    return world, *clients


@pytest.mark.parametrize("kind", [TEXT, PNG, BMP, TIFF, JPG, 77])
@pytest.mark.parametrize("guest", [LINUX, WINDOWS], ids=["linux", "win"])
@pytest.mark.parametrize("one_by_one", [False, True], ids=["whole", "bytes"])
def test_data_of_every_type_come_as_they_are(kind, guest, one_by_one):
    world, client = offered(GTK, types=(kind,), guest=guest)
    data = bytes(range(256)) * 9 + b"\r\n\n\0"
    client.say(asked(kind), one_by_one=one_by_one)
    assert world.guest.heard() == [asked(kind)]
    world.guest.say(given(data, kind), one_by_one=one_by_one)
    assert client.heard() == [given(data, kind)]


@pytest.mark.parametrize("guest", [LINUX, WINDOWS], ids=["linux", "win"])
def test_the_guests_line_ends_are_shown_to_clients_and_left_alone(guest):
    world = desks(guest=guest)[0]
    client = world.client()
    (announcement,) = client.heard()
    word = announcement.capabilities.bits
    assert word & 0x300 == guest & 0x300
    client.announce(0)
    client.grab()
    client.give(b"nobody asked")
    world.guest.heard()
    world.guest.request()
    client.give(b"a\nb\r\nc\r")
    assert world.guest.heard() == [given(b"a\nb\r\nc\r")]
    world.guest.grab()
    client.request()
    world.guest.give(b"a\r\nb\nc")
    assert client.heard()[-1] == given(b"a\r\nb\nc")


def test_only_who_asked_is_given_data():
    """H10."""
    world, client, other = offered(GTK, GTK)
    client.request()
    world.guest.give(b"x")
    assert client.heard() == [given(b"x")]
    assert other.heard() == []


def test_data_that_nobody_asked_for_go_to_nobody():
    """H10."""
    world, client, other = offered(GTK, GTK)
    world.guest.give(b"x")
    client.request()
    world.guest.give(b"y")
    world.guest.give(b"z")
    assert all_heard(client, other) == [[given(b"y")], []]


def test_equal_requests_share_one_answer():
    """H9."""
    world, *clients = offered(*CLIENTS.values())
    for client in clients:
        client.request()
    assert world.guest.heard() == [asked()]
    world.guest.give(b"x")
    assert all_heard(*clients) == [[given(b"x")]] * len(clients)
    assert world.guest.heard() == []


def test_each_request_of_the_same_client_is_answered_once():
    """H9."""
    world, client = offered(GTK)
    for _ in range(3):
        client.request()
    assert world.guest.heard() == [asked()]
    world.guest.give(b"x")
    assert client.heard() == [given(b"x")] * 3
    world.wait(10)
    assert client.heard() == []


def test_large_data_that_a_client_has_asked_for_several_times_are_no_flood():
    """It is about to read them: the data are there once."""
    world, client = offered(GTK)
    for _ in range(5):
        client.request()
    world.guest.heard()
    client.transport.drain(room=1)
    data = bytes(10 * MIB)
    world.guest.give(data)
    assert not client.transport.losing
    client.transport.drain()
    assert client.heard() == [given(data)] * 5


def test_the_guest_is_asked_one_thing_at_a_time():
    """H9."""
    world, first, second = offered(GTK, GTK)
    first.request(TEXT)
    second.request(PNG)
    first.request(PNG)
    second.request(TEXT)
    assert world.guest.heard() == [asked(TEXT)]
    world.guest.give(b"text")
    assert world.guest.heard() == [asked(PNG)]
    world.guest.give(b"png", PNG)
    assert world.guest.heard() == []
    both = [given(b"text"), given(b"png", PNG)]
    assert all_heard(first, second) == [both, both]


def test_a_none_answers_what_was_asked_and_nothing_else():
    """H9."""
    world, first, second = offered(GTK, GTK)
    first.request(TEXT)
    second.request(PNG)
    world.guest.heard()
    world.guest.refuse()
    assert all_heard(first, second) == [[NONE], []]
    assert world.guest.heard() == [asked(PNG)]
    world.guest.give(b"png", PNG)
    assert all_heard(first, second) == [[], [given(b"png", PNG)]]


def test_a_none_answers_all_that_asked_for_that_type():
    """H9."""
    world, first, second = offered(GTK, GTK)
    first.request()
    second.request()
    world.guest.refuse()
    assert all_heard(first, second) == [[NONE], [NONE]]


def test_an_answer_in_another_type_is_passed_on_as_it_is():
    world, client = offered(GTK, types=(JPG, PNG))
    client.request(JPG)
    world.guest.give(b"png", PNG)
    assert client.heard() == [given(b"png", PNG)]


def test_an_answer_in_another_type_is_no_answer_to_who_waits_for_that_type():
    """H9: those are asked for it in turn."""
    world, first, second = offered(GTK, GTK, types=(JPG, PNG))
    first.request(JPG)
    second.request(PNG)
    world.guest.heard()
    world.guest.give(b"png", PNG)
    assert first.heard() == [given(b"png", PNG)]
    world.guest.give(b"png", PNG)
    assert second.heard() == [given(b"png", PNG)]


def test_the_answer_is_kept_for_those_who_ask_next():
    """H9."""
    world, first, second = offered(GTK, GTK)
    first.request()
    world.guest.give(b"x")
    world.guest.heard()
    late = world.ready_client()
    for client in (first, second, late):
        client.request()
    assert world.guest.heard() == []
    assert all_heard(first, second, late) == [
        [given(b"x"), given(b"x")],
        [given(b"x")],
        [given(b"x")],
    ]


def test_each_type_is_kept_for_itself():
    """H9."""
    world, client = offered(GTK)
    for kind in (TEXT, PNG):
        client.request(kind)
        world.guest.give(b"%d" % kind, kind)
    world.guest.heard()
    client.heard()
    client.request(PNG)
    client.request(TEXT)
    assert client.heard() == [given(b"2", PNG), given(b"1", TEXT)]
    assert world.guest.heard() == []


def test_what_nobody_has_or_nobody_offers_is_not_asked_for():
    """H11."""
    world, client, other = desks(GTK, GTK)
    client.request()
    assert client.heard() == [NONE], "nobody has anything"
    world.guest.grab(TEXT)
    client.request(PNG)
    assert client.heard() == [grabbed(TEXT), NONE], "not offered"
    client.request(0)
    assert client.heard() == [NONE], "no type"
    world.guest.release()
    client.request(TEXT)
    assert client.heard() == [released(), NONE], "gone"
    assert all_heard(world.guest, other) == [[], [grabbed(), released()]]


def test_an_owner_that_asks_for_its_own_has_nothing():
    world, client, other = desks(GTK, GTK)
    client.grab()
    client.request()
    assert client.heard() == [NONE]
    assert all_heard(world.guest, other) == [[grabbed()]] * 2


def test_a_new_grab_leaves_who_waits_with_nothing_and_then_tells_it():
    """H13."""
    world, first, second = offered(GTK, GTK)
    first.request(TEXT)
    second.request(PNG)
    world.guest.grab(TEXT)
    assert all_heard(first, second) == [[NONE, grabbed()]] * 2


def test_an_answer_from_before_a_new_grab_is_not_taken_for_one_from_after():
    """H13."""
    world, client = offered(GTK)
    client.request()
    world.guest.grab(TEXT)
    all_heard(world.guest, client)
    client.request()
    assert world.guest.heard() == [], "it still owes an answer"
    world.guest.give(b"old")
    assert client.heard() == []
    assert world.guest.heard() == [asked()]
    world.guest.give(b"new")
    assert client.heard() == [given(b"new")]
    client.request()
    assert client.heard() == [given(b"new")], "and that is what was kept"


def test_of_an_answer_that_never_comes_nothing_is_expected_after_5_seconds():
    """H13."""
    world, client = offered(GTK)
    client.request()
    world.guest.heard()
    world.wait(4.875)
    client.request()
    assert client.heard() == [NONE]
    assert world.guest.heard() == []
    world.wait(0.25)
    assert world.guest.heard() == [asked()]
    world.guest.give(b"x")
    assert client.heard() == [given(b"x")]


def test_a_client_that_has_gone_is_given_nothing_and_the_answer_is_kept():
    world, gone, other = offered(GTK, GTK)
    gone.request()
    gone.leave()
    world.guest.give(b"x")
    assert other.heard() == []
    other.request()
    assert other.heard() == [given(b"x")]
    assert world.guest.heard() == [asked()]


def test_a_client_that_begins_anew_is_not_given_what_it_asked_for_before():
    world, client = offered(GTK)
    client.announce(1)
    client.announce(1)
    client.request()
    client.announce(1)
    client.heard()
    world.guest.give(b"x")
    assert client.heard() == []


def test_what_comes_in_one_read_is_answered_in_its_order():
    world, client = offered(GTK)
    whole = client.spell(asked(TEXT), asked(PNG), asked(JPG), asked(TEXT))
    client.feed(whole[:-5])
    client.feed(whole[-5:])
    assert client.heard() == [NONE], "the JPEG that is not offered"
    answers = world.guest.spell(given(b"text"), given(b"png", PNG), given(b"more"))
    world.guest.feed(answers[:-7])
    assert client.heard() == [given(b"text")] * 2 + [given(b"png", PNG)]
    world.guest.feed(answers[-7:])
    assert client.heard() == []
