"""Messages that never reach the handler, and what it answers for them."""

from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import (
    ALL_SELECTIONS,
    EMPTY,
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
from vdproxy.wire.messages import MaxClipboard


def refuse(world, end, message):
    """Have the hub drop a message of *end*, as a filter would."""
    world.hub.features.dropped(end.peer, message, "policy")


@pytest.mark.parametrize("selection", range(3))
def test_who_asks_has_nothing(selection):
    world, client, other = desks(GTK, GTK)
    refuse(world, client, asked(selection=selection))
    assert client.heard() == [nothing(selection)]
    refuse(world, world.guest, asked(selection=selection))
    assert world.guest.heard() == [given(b"", selection=selection)]
    assert other.heard() == []


def test_who_waits_for_data_has_nothing():
    world, client = desks(GTK, selections=ALL_SELECTIONS)
    for selection in range(3):
        world.guest.grab(TEXT, PNG, selection=selection)
        client.request(selection=selection)
    client.request(PNG, SECONDARY)
    all_heard(world.guest, client)
    refuse(world, world.guest, given(b"x", selection=SECONDARY))
    assert client.heard() == [nothing(SECONDARY)]
    world.clock.advance(0)
    assert world.guest.heard() == [asked(PNG, SECONDARY)]
    world.guest.give(b"x")
    world.guest.give(b"x", selection=PRIMARY)
    assert client.heard() == [given(b"x"), given(b"x", selection=PRIMARY)]
    client.request(selection=SECONDARY)
    assert client.heard() == [], "nothing of it was kept"


def test_data_that_nobody_asked_for_are_nothing_to_nobody():
    world, owner, other = desks(GTK, GTK)
    owner.grab()
    world.guest.request()
    world.guest.heard()
    refuse(world, other, given(b"x"))
    refuse(world, owner, given(b"x", selection=PRIMARY))
    assert world.guest.heard() == []
    refuse(world, owner, given(b"x"))
    assert world.guest.heard() == [EMPTY]


def test_refused_data_from_before_a_new_grab_are_not_those_from_after():
    world, client = desks(GTK)
    world.guest.grab()
    client.request()
    world.guest.grab()
    client.request()
    assert client.heard() == [grabbed(), nothing(), grabbed()]
    refuse(world, world.guest, given(b"old"))
    world.wait(0.01)
    assert client.heard() == []
    assert world.guest.heard() == [asked(), asked()]
    world.guest.give(b"new")
    assert client.heard() == [given(b"new")]


def test_a_client_that_grabs_is_told_who_owns_it():
    world, client, other = desks(GTK, GTK)
    refuse(world, client, grabbed())
    assert client.heard() == [released()]
    world.guest.grab(PNG)
    refuse(world, client, grabbed())
    assert client.heard() == [grabbed(PNG)] * 2
    assert all_heard(world.guest, other) == [[], [grabbed(PNG)]]
    client.request(PNG)
    assert world.guest.heard() == [asked(PNG)]


def test_an_owner_that_grabs_owns_nothing_any_more():
    world, owner, other = desks(GTK, GTK)
    owner.grab()
    refuse(world, owner, grabbed(PNG))
    assert owner.heard() == [released()]
    assert all_heard(world.guest, other) == [[grabbed(), released()]] * 2


def test_a_grab_that_is_held_goes_with_one_that_is_refused():
    """H42."""
    world, first, second = desks(GTK, GTK)
    for end in (first, second, first, second, first, second):
        end.grab()
    all_heard(world.guest, first, second)
    refuse(world, second, grabbed(PNG))
    assert second.heard() == [grabbed()]
    world.wait(5)
    assert all_heard(world.guest, first, second) == [[], [], []]


def test_a_grab_of_the_guest_ends_what_was_there():
    world, client = desks(GTK)
    world.guest.grab()
    refuse(world, world.guest, grabbed(PNG))
    assert client.heard() == [grabbed(), released()]
    assert world.guest.heard() == []


@pytest.mark.parametrize("message", [released(), MaxClipboard(1)])
def test_what_has_no_answer_changes_nothing(message):
    world, owner, other = desks(GTK, GTK)
    owner.grab()
    for end in (world.guest, owner):
        refuse(world, end, message)
    other.request()
    owner.give(b"xyz")
    assert other.heard() == [grabbed(), given(b"xyz")]
    assert owner.heard() == [asked()]
