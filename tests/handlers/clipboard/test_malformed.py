from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import (
    ALL_SELECTIONS,
    BY_DEMAND,
    EMPTY,
    NONE,
    PNG,
    PRIMARY,
    SECONDARY,
    TEXT,
    all_heard,
    asked,
    desks,
    given,
    grabbed,
    nothing,
    released,
)
from tests.hub.doubles import GTK
from tests.link.frames import CLIPBOARD, GRAB, RELEASE, REQUEST, numbers
from tests.wire.decoding import frame

each_way_in = pytest.mark.parametrize(
    "one_by_one", [False, True], ids=["whole", "bytes"]
)


@pytest.mark.parametrize("payload", [b"", b"\0", bytes(4), bytes(7), b"\xc8" * 8])
@each_way_in
def test_a_bad_request_of_a_client_has_nothing(payload, one_by_one):
    world, client, other = desks(GTK, GTK)
    world.guest.grab()
    all_heard(client, other)
    client.feed(frame(REQUEST, payload), one_by_one=one_by_one)
    assert all_heard(world.guest, client, other) == [[], [NONE], []]


@pytest.mark.parametrize("payload", [b"", bytes(3), b"\1\0", b"\2" * 5])
def test_a_bad_request_of_a_client_without_selections_has_nothing(payload):
    world, client = desks(BY_DEMAND)
    client.feed(frame(REQUEST, payload))
    assert all_heard(world.guest, client) == [[], [NONE]]


@pytest.mark.parametrize("payload", [b"", b"\0", bytes(4), bytes(7), b"\xc8" * 8])
@each_way_in
def test_a_bad_request_of_the_guest_has_nothing(payload, one_by_one):
    """H11."""
    world, client = desks(GTK)
    client.grab()
    world.guest.heard()
    world.guest.feed(frame(REQUEST, payload), one_by_one=one_by_one)
    assert all_heard(world.guest, client) == [[NONE], []]


def test_a_bad_request_for_a_selection_has_nothing_of_that():
    world, client = desks(GTK)
    for end in (world.guest, client):
        end.feed(frame(REQUEST, b"\1\0\0\0\1"))
        assert end.heard() == [nothing(PRIMARY)]


def test_a_bad_request_is_answered_besides_good_ones():
    world, client = desks(GTK)
    world.guest.grab()
    bad = frame(REQUEST, b"?")
    client.feed(client.spell(asked()) + bad + client.spell(asked()))
    assert client.heard() == [grabbed(), NONE]
    world.guest.give(b"x")
    assert client.heard() == [given(b"x")] * 2


@pytest.mark.parametrize("payload", [b"", b"\0", bytes(4), bytes(7), b"\xc8" * 9])
@each_way_in
def test_bad_data_of_the_guest_are_nothing_to_who_waits(payload, one_by_one):
    world, first, second = desks(GTK, GTK)
    world.guest.grab(TEXT, PNG)
    first.request()
    second.request(PNG)
    all_heard(world.guest, first, second)
    world.guest.feed(frame(CLIPBOARD, payload), one_by_one=one_by_one)
    assert all_heard(first, second) == [[NONE], []]
    world.clock.advance(0)
    assert world.guest.heard() == [asked(PNG)]
    world.guest.give(b"png", PNG)
    assert second.heard() == [given(b"png", PNG)]


@pytest.mark.parametrize("payload", [b"", b"\0", bytes(4), bytes(7), b"\xc8" * 9])
@each_way_in
def test_bad_data_of_a_client_are_nothing_to_who_waits(payload, one_by_one):
    world, owner, other = desks(GTK, GTK)
    owner.grab(TEXT, PNG)
    all_heard(world.guest, other)
    world.guest.request()
    other.request()
    other.request(PNG)
    owner.heard()
    owner.feed(frame(CLIPBOARD, payload), one_by_one=one_by_one)
    assert all_heard(world.guest, other) == [[EMPTY], [NONE]]
    world.clock.advance(0)
    assert owner.heard() == [asked(PNG)]


def test_bad_data_of_one_that_was_not_asked_are_nothing_to_nobody():
    world, owner, other = desks(GTK, GTK)
    owner.grab()
    world.guest.request()
    world.guest.heard()
    other.feed(frame(CLIPBOARD, b""))
    assert world.guest.heard() == []
    owner.give(b"x")
    assert world.guest.heard() == [given(b"x")]


@pytest.mark.parametrize("rest", [bytes(3), bytes(6)])
def test_bad_data_of_a_selection_are_nothing_to_who_waits_for_that(rest):
    """H9."""
    world, owner = desks(GTK, selections=ALL_SELECTIONS)
    for selection in range(3):
        owner.grab(selection=selection)
        world.guest.request(selection=selection)
        world.wait(0.25)
    world.guest.heard()
    owner.feed(frame(CLIPBOARD, bytes([SECONDARY]) + rest))
    assert world.guest.heard() == [given(b"", selection=SECONDARY)]
    owner.give(b"primary", selection=PRIMARY)
    owner.give(b"clipboard")
    assert world.guest.heard() == [
        given(b"primary", selection=PRIMARY),
        given(b"clipboard"),
    ]


def test_data_of_a_selection_that_does_not_exist_are_the_oldest_answer():
    world, owner = desks(GTK, selections=ALL_SELECTIONS)
    for selection in (2, 0, 1):
        owner.grab(selection=selection)
        world.guest.request(selection=selection)
        world.wait(0.25)
    world.guest.heard()
    owner.feed(frame(CLIPBOARD, numbers(200, TEXT) + b"x"))
    assert world.guest.heard() == [given(b"", selection=SECONDARY)]


#: GRABs that are none: nothing, no serial, half a type.
BAD_GRABS = [b"", bytes(7), numbers(0, 0, TEXT) + b"\0\0"]


@pytest.mark.parametrize("payload", BAD_GRABS)
@each_way_in
def test_a_client_with_a_bad_grab_is_told_who_owns_it(payload, one_by_one):
    world, client, other = desks(GTK, GTK)
    other.grab(PNG)
    assert all_heard(world.guest, client) == [[grabbed(PNG)]] * 2
    client.feed(frame(GRAB, payload), one_by_one=one_by_one)
    assert all_heard(world.guest, client, other) == [[], [grabbed(PNG)], []]
    client.request(PNG)
    assert other.heard() == [asked(PNG)]


@pytest.mark.parametrize("payload", BAD_GRABS)
def test_a_client_with_a_bad_grab_is_told_that_nobody_owns_it(payload):
    world, client, other = desks(GTK, GTK)
    client.feed(frame(GRAB, payload))
    assert all_heard(world.guest, client, other) == [[], [released()], []]


def test_a_client_with_a_bad_grab_is_told_nothing_of_other_clients_if_not_shared():
    world, client, other = desks(GTK, GTK, share_between_clients=False)
    other.grab()
    client.feed(frame(GRAB, b"?"))
    assert all_heard(world.guest, client) == [[grabbed()], [released()]]


@pytest.mark.parametrize("payload", BAD_GRABS)
def test_an_owner_with_a_bad_grab_owns_nothing_any_more(payload):
    """H12."""
    world, owner, other = desks(GTK, GTK)
    owner.grab()
    world.guest.request()
    owner.heard()
    owner.feed(frame(GRAB, payload))
    assert world.guest.heard() == [grabbed(), NONE, released()]
    assert other.heard() == [grabbed(), released()]
    assert owner.heard() == [released()]
    world.guest.request()
    assert world.guest.heard() == [NONE]
    assert owner.heard() == []


@pytest.mark.parametrize("who", ["guest", "owner", "other"])
def test_a_grab_of_a_selection_that_does_not_exist_takes_nothing_from_its_owner(who):
    world, owner, other = desks(GTK, GTK)
    owner.grab()
    all_heard(world.guest, other)
    end = {"guest": world.guest, "owner": owner, "other": other}[who]
    end.feed(frame(GRAB, numbers(200, 0, TEXT)))
    assert released() not in owner.heard() + other.heard() + world.guest.heard()
    for asker in (world.guest, other):
        asker.request()
        assert owner.heard() == [asked()]
        owner.give(b"x")
        assert asker.heard() == [given(b"x")]


@pytest.mark.parametrize("shared", [("clipboard",), ("primary",)])
def test_a_bad_grab_counts_for_the_selection_that_it_names(shared):
    world, client, other = desks(GTK, GTK, selections=shared)
    named, unnamed = (0, 1) if shared == ("clipboard",) else (1, 0)
    client.feed(frame(GRAB, bytes([unnamed, 0, 0, 0, 9])))
    assert client.heard() == [], "that is not shared"
    client.feed(frame(GRAB, bytes([named, 0, 0, 0, 9])))
    assert client.heard() == [released(named)]
    assert all_heard(world.guest, other) == [[], []]


def test_a_client_without_a_clipboard_is_told_nothing_of_its_bad_grab():
    world, client, other = desks(0, GTK)
    other.grab()
    client.feed(frame(GRAB, b"?"))
    assert all_heard(world.guest, client) == [[grabbed()], []]


@pytest.mark.parametrize("owner_before", [False, True])
def test_a_bad_grab_of_the_guest_ends_what_it_had(owner_before):
    """H12."""
    world, client = desks(GTK)
    told = []
    if owner_before:
        world.guest.grab()
        client.request()
        told = [grabbed(), NONE, released()]
    world.guest.feed(frame(GRAB, bytes(7)))
    assert client.heard() == told
    client.request()
    assert client.heard() == [NONE]


def test_a_bad_grab_of_the_guest_ends_what_a_client_had():
    """H12: the guest has something of its own, though nobody can tell what."""
    world, owner, other = desks(GTK, GTK)
    owner.grab()
    all_heard(world.guest, other)
    world.guest.feed(frame(GRAB, bytes(7)))
    assert all_heard(world.guest, owner, other) == [[], [], [released()]]
    for end in (world.guest, other):
        end.request()
        assert end.heard() == [NONE]


@pytest.mark.parametrize("other_owns", [False, True])
def test_after_a_bad_grab_the_next_one_of_a_client_counts(other_owns):
    """H18: the client has counted the bad one."""
    world, client, other = desks(GTK, GTK)
    if other_owns:
        other.grab(PNG)
        client.heard()
    bad = client.stamped(TEXT)
    client.feed(frame(GRAB, numbers(0, bad.serial, TEXT) + b"\0\0"))
    client.heard()
    world.guest.heard()
    client.grab(TEXT)
    assert world.guest.heard() == [grabbed(TEXT)]
    client.grab(PNG)
    assert world.guest.heard() == [grabbed(PNG)]


@pytest.mark.parametrize("payload", [b"\xc8", bytes(2), bytes(3), bytes([9, 0, 0, 0])])
def test_a_bad_release_releases_nothing(payload):
    """H35."""
    world, owner, other = desks(GTK, GTK)
    owner.grab()
    owner.feed(frame(RELEASE, payload))
    world.wait(1)
    assert all_heard(world.guest, other) == [[grabbed()]] * 2
