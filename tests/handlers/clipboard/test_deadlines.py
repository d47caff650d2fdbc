from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import (
    EMPTY,
    JPG,
    NONE,
    PNG,
    TEXT,
    all_heard,
    asked,
    desks,
    given,
    grabbed,
)
from tests.hub.doubles import GTK, logged
from tests.link.frames import LINUX, WINDOWS
from vdproxy.wire.messages import FileXferData, MaxClipboard

both_guests = pytest.mark.parametrize("guest", [LINUX, WINDOWS], ids=["linux", "win"])

DATA = given(bytes(20_000))


def offered(*words, guest=LINUX, types=(TEXT, PNG, JPG), **options):
    """Return a world whose first client has grabbed, which counts as heard."""
    world, owner, *others = desks(*words, guest=guest, **options)
    owner.grab(*types)
    all_heard(world.guest, owner, *others)
    return world, owner, *others


def trickle(world, end, message, seconds):
    """Have *end* say all but the last byte of a message, a bit every half second."""
    spelling = end.spell(message)
    steps = round(seconds / 0.5)
    piece = (len(spelling) - 1) // steps
    for start in range(0, piece * steps, piece):
        world.wait(0.5)
        end.feed(spelling[start : start + piece])
    return spelling[piece * steps :]


@both_guests
def test_after_2_5_seconds_of_silence_the_guest_has_nothing(guest):
    """H11, H12."""
    world, owner = offered(GTK, guest=guest)
    world.guest.request()
    world.wait(2.375)
    assert world.guest.heard() == []
    with logged() as lines:
        world.wait(0.125)
    assert world.guest.heard() == [EMPTY if guest == LINUX else NONE]
    assert len(lines.having("vdi#1 has not given its clipboard")) == 1
    world.wait(10)
    assert world.guest.heard() == []
    assert owner.heard() == [asked()]


def test_after_2_5_seconds_of_silence_a_client_has_nothing():
    """H38."""
    world, client, other = desks(GTK, GTK)
    world.guest.grab()
    client.request()
    world.wait(1)
    other.request()
    all_heard(world.guest, client, other)
    world.wait(1.375)
    assert all_heard(client, other) == [[], []]
    world.wait(0.125)
    assert all_heard(client, other) == [[NONE], []]
    world.wait(0.875)
    assert other.heard() == []
    world.wait(0.125)
    assert other.heard() == [NONE]
    world.wait(10)
    assert all_heard(client, other) == [[], []]


def test_each_type_that_the_guest_waits_for_has_its_answer_in_time():
    """H11."""
    world, _owner = offered(GTK)
    for kind in (TEXT, PNG, JPG):
        world.guest.request(kind)
    world.wait(2.5)
    assert world.guest.heard() == [given(b"", kind) for kind in (TEXT, PNG, JPG)]


def test_a_late_answer_is_dropped():
    """H11."""
    world, owner, other = offered(GTK, GTK)
    world.guest.request()
    world.wait(3)
    owner.give(b"late")
    assert all_heard(world.guest, other) == [[EMPTY], []]


def test_a_late_answer_is_not_taken_for_that_to_the_next_request():
    """H13."""
    world, owner = offered(GTK)
    world.guest.request(TEXT)
    world.wait(3)
    world.guest.request(PNG)
    assert owner.heard() == [asked(TEXT)]
    owner.give(b"late")
    assert world.guest.heard() == [EMPTY]
    assert owner.heard() == [asked(PNG)]
    owner.give(b"png", PNG)
    assert world.guest.heard() == [given(b"png", PNG)]


def test_a_late_none_is_not_taken_for_that_to_the_next_request():
    """H13."""
    world, owner = offered(GTK)
    world.guest.request(TEXT)
    world.wait(3)
    world.guest.heard()
    world.guest.request(PNG)
    owner.refuse()
    assert world.guest.heard() == []
    owner.give(b"png", PNG)
    assert world.guest.heard() == [given(b"png", PNG)]


def test_a_late_answer_serves_who_has_asked_for_the_same_again():
    """H13."""
    world, owner = offered(GTK)
    world.guest.request()
    world.wait(3)
    world.guest.request()
    owner.give(b"late")
    assert world.guest.heard() == [EMPTY, given(b"late")]
    assert owner.heard() == [asked()]


def test_after_5_seconds_the_owner_is_asked_again():
    """H13."""
    world, owner = offered(GTK)
    world.guest.request()
    world.wait(4)
    world.guest.request(PNG)
    assert owner.heard() == [asked()]
    world.wait(0.875)
    assert owner.heard() == []
    world.wait(0.125)
    assert owner.heard() == [asked(PNG)]
    owner.give(b"png", PNG)
    assert world.guest.heard() == [EMPTY, given(b"png", PNG)]


def test_an_owner_that_never_answers_is_not_asked_for_ever():
    """H38."""
    world, owner = offered(GTK)
    world.guest.request()
    world.wait(60)
    assert owner.heard() == [asked()]
    assert world.guest.heard() == [EMPTY]
    assert world.nothing_runs()


@pytest.mark.parametrize("asker", ["guest", "client"])
def test_data_that_keep_coming_are_waited_for(asker):
    """H29."""
    world, owner, other = offered(GTK, GTK)
    end = world.guest if asker == "guest" else other
    end.request()
    rest = trickle(world, owner, DATA, 12)
    world.wait(2.375)
    assert end.heard() == [], "nothing before it is whole"
    owner.feed(rest)
    assert end.heard() == [DATA]


def test_data_of_the_guest_that_keep_coming_are_waited_for():
    """H29."""
    world, client = desks(GTK)
    world.guest.grab()
    client.request()
    client.heard()
    rest = trickle(world, world.guest, DATA, 12)
    assert client.heard() == []
    world.guest.feed(rest)
    assert client.heard() == [DATA]


@pytest.mark.parametrize("asker", ["guest", "client"])
def test_data_that_stop_coming_are_waited_for_2_5_seconds_more(asker):
    """H29."""
    world, owner, other = offered(GTK, GTK)
    end = world.guest if asker == "guest" else other
    end.request()
    rest = trickle(world, owner, DATA, 5)
    world.wait(2.375)
    assert end.heard() == []
    world.wait(0.125)
    assert end.heard() == [EMPTY if asker == "guest" else NONE]
    owner.feed(rest)
    assert end.heard() == [], "the rest comes too late"
    end.request()
    owner.give(b"x")
    assert end.heard() == [given(b"x")]


def test_windows_waits_2_5_seconds_for_the_whole_answer():
    """H29."""
    world, owner = offered(GTK, guest=WINDOWS)
    world.guest.request()
    rest = trickle(world, owner, DATA, 2)
    world.wait(0.375)
    assert world.guest.heard() == []
    world.wait(0.125)
    assert world.guest.heard() == [NONE]
    owner.feed(rest)
    assert world.guest.heard() == []


def test_windows_is_given_an_answer_that_is_whole_in_time():
    """H29."""
    world, owner = offered(GTK, guest=WINDOWS)
    world.guest.request()
    rest = trickle(world, owner, DATA, 2)
    assert world.guest.heard() == []
    owner.feed(rest)
    assert world.guest.heard() == [DATA]


def test_a_client_waits_longer_than_windows_for_the_same_data():
    """H29."""
    world, owner, other = offered(GTK, GTK, guest=WINDOWS)
    world.guest.request()
    other.request()
    rest = trickle(world, owner, DATA, 4)
    assert all_heard(world.guest, other) == [[NONE], []]
    owner.feed(rest)
    assert all_heard(world.guest, other) == [[], [DATA]]


def test_a_header_alone_is_progress_once_and_no_more():
    """H29."""
    world, owner = offered(GTK)
    world.guest.request()
    world.wait(2)
    owner.feed(owner.spell(DATA)[:28])
    world.wait(2.375)
    assert world.guest.heard() == []
    world.wait(0.125)
    assert world.guest.heard() == [EMPTY]


def test_what_another_client_sends_is_no_progress():
    """H29."""
    world, _owner, other = offered(GTK, GTK)
    world.guest.request()
    trickle(world, other, DATA, 2)
    world.wait(0.5)
    assert world.guest.heard() == [EMPTY]


def test_a_file_that_the_owner_sends_is_no_progress():
    """H29."""
    world, owner = offered(GTK)
    world.guest.request()
    trickle(world, owner, FileXferData(1, bytes(10_000)), 2)
    world.wait(0.5)
    assert world.guest.heard() == [EMPTY]


def test_an_answer_that_is_slow_is_not_taken_for_that_to_the_next_request():
    """H13: the owner is asked nothing while it answers, however long that takes."""
    world, owner = offered(GTK, guest=WINDOWS)
    world.guest.request(TEXT)
    rest = trickle(world, owner, DATA, 8)
    world.guest.request(PNG)
    assert owner.heard() == [asked(TEXT)]
    owner.feed(rest)
    assert world.guest.heard() == [NONE]
    assert owner.heard() == [asked(PNG)]
    owner.give(b"png", PNG)
    assert world.guest.heard() == [given(b"png", PNG)]


@pytest.mark.parametrize("asker", ["guest", "client"])
@pytest.mark.parametrize("seconds", [2, 4])
def test_who_waits_behind_a_slow_answer_has_2_5_seconds_from_its_end(asker, seconds):
    """H29: the owner had no silence of 2.5 s."""
    world, owner, other = offered(GTK, GTK)
    end = world.guest if asker == "guest" else other
    end.request(TEXT)
    end.request(PNG)
    owner.feed(trickle(world, owner, DATA, seconds))
    assert end.heard() == [DATA]
    assert owner.heard() == [asked(TEXT), asked(PNG)]
    world.wait(2.375)
    assert end.heard() == []
    owner.give(b"png", PNG)
    assert end.heard() == [given(b"png", PNG)]


def test_who_waits_behind_a_slow_answer_from_before_a_grab_has_2_5_seconds():
    """H13, H29."""
    world, owner = offered(GTK)
    world.guest.request(TEXT)
    owner.grab(PNG)
    world.guest.request(PNG)
    owner.feed(trickle(world, owner, DATA, 2))
    assert world.guest.heard() == [NONE, grabbed(PNG)]
    assert owner.heard() == [asked(TEXT), asked(PNG)]
    world.wait(2.375)
    assert world.guest.heard() == []
    owner.give(b"png", PNG)
    assert world.guest.heard() == [given(b"png", PNG)]


@pytest.mark.parametrize("shared", [("clipboard",), ("clipboard", "primary")])
def test_data_of_another_selection_put_off_what_is_expected_only_while_they_come(
    shared,
):
    """H13, H29."""
    world, owner = offered(GTK, selections=shared)
    world.guest.request()
    world.wait(2)
    data = owner.spell(given(bytes(100), selection=1))
    owner.feed(data[:60])
    world.wait(2.5)
    assert world.guest.heard() == [EMPTY]
    owner.feed(data[60:])
    world.wait(10)
    assert owner.heard() == [asked()]
    world.guest.request(PNG)
    assert owner.heard() == [asked(PNG)]
    owner.give(b"png", PNG)
    assert world.guest.heard() == [given(b"png", PNG)]


def test_who_waits_behind_answers_in_time_waits_for_its_own():
    """H11: each answer is progress."""
    world, owner, other = offered(GTK, GTK)
    for kind in (TEXT, PNG, JPG):
        other.request(kind)
    for kind in (TEXT, PNG, JPG):
        world.wait(1.5)
        owner.give(b"x", kind)
    assert other.heard() == [given(b"x", kind) for kind in (TEXT, PNG, JPG)]


def test_windows_has_no_more_than_2_5_seconds_behind_another_answer():
    """H29."""
    world, owner = offered(GTK, guest=WINDOWS)
    world.guest.request(TEXT)
    world.guest.request(PNG)
    world.wait(2)
    owner.give(b"x")
    world.wait(0.375)
    assert world.guest.heard() == [given(b"x")]
    world.wait(0.125)
    assert world.guest.heard() == [NONE]


def test_an_answer_in_time_ends_the_waiting():
    world, owner = offered(GTK)
    world.guest.request()
    world.wait(2.375)
    owner.give(b"x")
    world.wait(10)
    assert world.guest.heard() == [given(b"x")]
    assert owner.heard() == [asked()]
    assert world.nothing_runs()


def test_a_slot_that_is_taken_puts_no_other_deadline_off():
    """H11, H13, H29."""
    world, first, second = offered(GTK, GTK)
    world.guest.request()
    world.wait(2.375)
    second.grab()
    world.guest.request()
    second.grab()
    first.give(b"late")
    world.wait(0.25)
    world.guest.heard()
    world.guest.request()
    world.wait(2.375)
    assert world.guest.heard() == []
    world.wait(0.125)
    assert world.guest.heard() == [EMPTY]


def test_other_messages_that_come_between_the_chunks_are_no_progress():
    """H29."""
    world, owner = offered(GTK)
    world.guest.request()
    owner.feed(owner.spell(DATA)[:2056])
    for _ in range(5):
        world.wait(0.5)
        owner.say(MaxClipboard(-1), port=2)
    assert world.guest.heard() == [EMPTY]
