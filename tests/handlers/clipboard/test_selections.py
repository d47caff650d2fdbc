"""PRIMARY and SECONDARY: off unless configured, and then as CLIPBOARD."""

from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import (
    ALL_SELECTIONS,
    BY_DEMAND,
    CLIPBOARD,
    PNG,
    PRIMARY,
    SECONDARY,
    TEXT,
    WITH_SELECTION,
    WITH_SERIAL,
    DeskWorld,
    all_heard,
    asked,
    desks,
    given,
    grabbed,
    nothing,
    released,
)
from tests.hub.doubles import GTK, logged
from tests.link.frames import GRAB, LINUX, RELEASE, REQUEST, WINDOWS, numbers
from tests.wire.decoding import frame
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import MaxClipboard

each = pytest.mark.parametrize("selection", [PRIMARY, SECONDARY])


@each
def test_by_default_a_grab_of_another_selection_is_ignored(selection):
    world, client, other = desks(GTK, GTK)
    world.guest.grab(selection=selection)
    client.grab(selection=selection)
    late = world.ready_client()
    world.guest.start_anew()
    client.release(selection)
    assert all_heard(world.guest, client, other, late) == [[], [], [], []]


@each
def test_by_default_a_request_for_another_selection_has_nothing(selection):
    world, client, other = desks(GTK, GTK)
    client.grab(selection=selection)
    for end in (world.guest, client, other):
        end.request(selection=selection)
        assert end.heard() == [nothing(selection)]


@each
def test_by_default_data_of_another_selection_go_to_nobody(selection):
    world, client, other = desks(GTK, GTK)
    client.grab()
    world.guest.request()
    client.give(b"x", selection=selection)
    assert all_heard(world.guest, other) == [[grabbed()], [grabbed()]]
    client.give(b"y")
    assert world.guest.heard() == [given(b"y")]


def test_another_selection_alone_may_be_shared():
    world, client = desks(GTK, selections=("primary",))
    client.grab(selection=PRIMARY)
    client.grab(selection=CLIPBOARD)
    assert world.guest.heard() == [grabbed(selection=PRIMARY)]
    world.guest.request(selection=CLIPBOARD)
    assert world.guest.heard() == [nothing(CLIPBOARD)]


@each
@pytest.mark.parametrize("word", [WITH_SELECTION, WITH_SERIAL, GTK])
def test_a_selection_that_is_shared_is_pasted_both_ways(selection, word):
    """H19."""
    world, client = desks(word, selections=ALL_SELECTIONS)
    world.guest.grab(PNG, selection=selection)
    client.request(PNG, selection)
    assert world.guest.heard() == [asked(PNG, selection)]
    world.guest.give(b"down", PNG, selection)
    world.guest.feed(frame(RELEASE, bytes([selection])))
    client.grab(selection=selection)
    world.guest.request(selection=selection)
    client.give(b"up", selection=selection)
    client.release(selection)
    world.wait(0.5)
    assert client.heard() == [
        grabbed(PNG, selection=selection),
        given(b"down", PNG, selection),
        released(selection),
        asked(selection=selection),
    ]
    assert world.guest.heard() == [
        grabbed(selection=selection),
        given(b"up", selection=selection),
        released(selection),
    ]


def test_each_selection_has_its_own_owner():
    world, first, second = desks(GTK, GTK, selections=ALL_SELECTIONS)
    world.guest.grab(selection=CLIPBOARD)
    first.grab(selection=PRIMARY)
    second.grab(selection=SECONDARY)
    all_heard(first, second)
    world.guest.heard()
    world.guest.request(selection=PRIMARY)
    world.guest.request(selection=SECONDARY)
    first.request(selection=CLIPBOARD)
    assert first.heard() == [asked(selection=PRIMARY)]
    assert second.heard() == [asked(selection=SECONDARY)]
    assert world.guest.heard() == [asked()]
    first.give(b"primary", selection=PRIMARY)
    second.refuse(SECONDARY)
    assert world.guest.heard() == [
        given(b"primary", selection=PRIMARY),
        given(b"", selection=SECONDARY),
    ]
    first.leave()
    assert second.heard() == [released(PRIMARY)]
    assert world.guest.heard() == [released(PRIMARY)]


def test_the_guest_is_asked_for_several_selections_at_once():
    """H9."""
    world, client = desks(GTK, selections=ALL_SELECTIONS)
    for selection in range(3):
        world.guest.grab(selection=selection)
        client.request(selection=selection)
    assert world.guest.heard() == [asked(selection=n) for n in range(3)]
    client.heard()
    for selection in (2, 0, 1):
        world.guest.give(b"%d" % selection, selection=selection)
    assert client.heard() == [given(b"%d" % n, selection=n) for n in (2, 0, 1)]


def test_each_selection_keeps_4_mib():
    """H9."""
    world, client = desks(GTK, selections=ALL_SELECTIONS)
    data = bytes(4 * 1024 * 1024)
    for selection in range(3):
        world.guest.grab(selection=selection)
        client.request(selection=selection)
        world.guest.give(data, selection=selection)
        client.request(selection=selection)
    assert world.guest.heard() == [asked(selection=n) for n in range(3)]


def test_one_that_comes_late_is_told_of_all_selections():
    """H14."""
    world, owner = desks(GTK, selections=ALL_SELECTIONS)
    world.guest.grab(TEXT, selection=SECONDARY)
    owner.grab(PNG, selection=PRIMARY)
    late = world.client()
    late.heard()
    late.announce(0)
    assert late.heard() == [
        grabbed(PNG, selection=PRIMARY),
        grabbed(TEXT, selection=SECONDARY),
    ]


def test_an_agent_that_returns_is_told_of_all_selections():
    """H14."""
    world, client = desks(GTK, selections=ALL_SELECTIONS)
    for selection in range(3):
        client.grab(selection=selection)
        client.grab(selection=selection)
    world.guest.heard()
    world.guest.leave()
    world.guest.connect()
    world.guest.heard()
    world.guest.stamps.clear()
    world.guest.announce(0)
    assert world.guest.heard() == [
        MaxClipboard(100 * 1024 * 1024),
        *[grabbed(selection=selection) for selection in range(3)],
    ]
    assert world.guest.stamps == [0, 0, 0]


@each
def test_a_client_that_knows_no_selections_is_told_of_clipboard_only(selection):
    """H19."""
    world, bare, other = desks(BY_DEMAND, GTK, selections=ALL_SELECTIONS)
    world.guest.grab(selection=selection)
    other.grab(selection=selection)
    other.release(selection)
    world.guest.grab(selection=selection)
    world.guest.leave()
    late = world.client(BY_DEMAND)
    late.heard()
    late.announce(0)
    assert all_heard(bare, late) == [[], []]


@each
def test_windows_is_told_of_clipboard_only(selection):
    """H19."""
    world, client, other = desks(GTK, GTK, selections=ALL_SELECTIONS, guest=WINDOWS)
    client.grab(selection=selection)
    other.request(selection=selection)
    client.give(b"x", selection=selection)
    assert other.heard() == [
        grabbed(selection=selection),
        given(b"x", selection=selection),
    ]
    client.release(selection)
    assert world.guest.heard() == []


@pytest.mark.parametrize("number", [3, 4, 200, 255])
def test_a_selection_that_does_not_exist_has_nothing(number):
    world, client, other = desks(GTK, GTK, selections=ALL_SELECTIONS)
    client.feed(frame(GRAB, numbers(number, 0, TEXT)))
    client.feed(frame(REQUEST, numbers(number, TEXT)))
    assert client.heard()[-1] == nothing(CLIPBOARD)
    assert all_heard(world.guest, other) == [[], []]


WITHOUT_SELECTION = GTK & ~Capabilities.of(6).bits


@pytest.mark.parametrize("word", [WITHOUT_SELECTION, 0])
def test_an_owner_that_knows_no_selections_any_more_owns_nothing_of_them(word):
    """H19: what cannot be told to it is no reason to fail."""
    world, owner, other = desks(GTK, GTK, selections=ALL_SELECTIONS)
    owner.grab(selection=PRIMARY)
    all_heard(world.guest, other)
    owner.announce(0, word)
    with logged() as lines:
        for end in (other, world.guest):
            end.request(selection=PRIMARY)
            world.wait(20)
            heard = [m for m in end.heard() if m != released(PRIMARY)]
            assert heard == [nothing(PRIMARY)]
    assert lines.having("failed") == []


@pytest.mark.parametrize("word", [WITHOUT_SELECTION, 0])
def test_one_that_waits_and_knows_no_selections_any_more_is_in_nobodys_way(word):
    """H19."""
    world, first, second = desks(GTK, GTK, selections=ALL_SELECTIONS)
    world.guest.grab(selection=PRIMARY)
    first.request(selection=PRIMARY)
    second.request(selection=PRIMARY)
    all_heard(first, second)
    first.announce(0, word)
    with logged() as lines:
        world.guest.give(b"x", selection=PRIMARY)
    assert second.heard() == [given(b"x", selection=PRIMARY)]
    assert first.heard() == []
    assert lines.having("failed") == []


def test_an_agent_that_knows_no_selections_any_more_is_in_nobodys_way():
    """H19."""
    world, client = desks(GTK, selections=ALL_SELECTIONS)
    world.guest.grab(selection=PRIMARY)
    client.heard()
    world.guest.announce(0, LINUX & ~Capabilities.of(6).bits)
    with logged() as lines:
        client.request(selection=PRIMARY)
        world.wait(3)
    assert [m for m in client.heard() if m != released(PRIMARY)] == [nothing(PRIMARY)]
    assert lines.having("failed") == []


def test_one_that_waits_for_its_turn_has_nothing_if_the_owner_cannot_be_asked():
    """H19."""
    world, owner = desks(GTK, selections=ALL_SELECTIONS)
    owner.grab(TEXT, PNG, selection=PRIMARY)
    world.guest.heard()
    world.guest.request(TEXT, PRIMARY)
    world.wait(3)
    world.guest.request(PNG, PRIMARY)
    owner.announce(0, WITHOUT_SELECTION)
    with logged() as lines:
        world.wait(10)
    heard = [m for m in world.guest.heard() if m != released(PRIMARY)]
    assert heard == [
        given(b"", TEXT, PRIMARY),
        given(b"", PNG, PRIMARY),
    ]
    assert lines.having("failed") == []


def test_nothing_of_it_can_end_the_clipboard_for_all():
    """H19, and a handler that keeps failing is withdrawn."""
    world = DeskWorld(selections=ALL_SELECTIONS)
    world.guest.come_up()
    owner, other = world.ready_client(), world.ready_client()
    owner.grab(selection=PRIMARY)
    owner.announce(0, WITHOUT_SELECTION)
    with logged() as lines:
        for _ in range(20):
            other.request(selection=PRIMARY)
            world.wait(6)
    assert lines.having("withdrawn") == []
    other.heard()
    world.guest.grab()
    assert other.heard() == [grabbed()]
