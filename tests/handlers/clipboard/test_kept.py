"""What the guest has given is kept for those who ask next."""

from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import (
    PNG,
    TEXT,
    all_heard,
    asked,
    desks,
    given,
)
from tests.hub.doubles import GTK

MIB = 1024 * 1024


def offered(*words):
    """Return a world whose guest has grabbed, which counts as heard."""
    world, *clients = desks(*words)
    world.guest.grab(TEXT, PNG)
    all_heard(*clients)
    return world, *clients


@pytest.mark.parametrize("answer", [given(b"", 0), given(b""), given(b"x", 0)])
def test_an_answer_that_is_nothing_is_not_kept(answer):
    """H13."""
    world, client = offered(GTK)
    client.request()
    world.guest.say(answer)
    assert client.heard() == [answer]
    client.request()
    assert world.guest.heard() == [asked(), asked()]
    world.guest.give(b"x")
    assert client.heard() == [given(b"x")]


def change_by_grab(world, other):
    world.guest.grab(TEXT, PNG)


def change_by_release(world, other):
    world.guest.release()
    world.guest.grab(TEXT, PNG)


def change_by_client(world, other):
    other.grab()
    world.guest.grab(TEXT, PNG)


def change_by_restart(world, other):
    world.guest.start_anew()
    world.guest.grab(TEXT, PNG)


@pytest.mark.parametrize(
    "change", [change_by_grab, change_by_release, change_by_client, change_by_restart]
)
def test_what_was_kept_is_forgotten_when_the_owner_changes(change):
    """H9."""
    world, client, other = offered(GTK, GTK)
    client.request()
    world.guest.give(b"old")
    change(world, other)
    all_heard(world.guest, client)
    client.request()
    assert world.guest.heard() == [asked()]
    world.guest.give(b"new")
    assert client.heard() == [given(b"new")]


def test_what_was_kept_is_kept_for_60_seconds():
    """H9."""
    world, client = offered(GTK)
    client.request()
    world.guest.give(b"old")
    world.wait(59.875)
    client.request()
    assert client.heard() == [given(b"old")] * 2
    world.wait(0.25)
    client.request()
    assert client.heard() == []
    assert world.guest.heard() == [asked(), asked()]
    world.guest.give(b"new")
    assert client.heard() == [given(b"new")]
    world.wait(59.875)
    client.request()
    assert client.heard() == [given(b"new")], "it has 60 s of its own"


@pytest.mark.parametrize(("size", "times"), [(4 * MIB, 1), (4 * MIB + 1, 2)])
def test_no_more_than_4_mib_are_kept(size, times):
    """H9."""
    world, client = offered(GTK)
    data = bytes(size)
    client.request()
    world.guest.give(data)
    client.request()
    assert world.guest.heard() == [asked()] * times
    assert client.heard()[:1] == [given(data)]


def test_no_more_than_4_mib_of_all_types_are_kept():
    """H9."""
    world, client = offered(GTK)
    client.request(TEXT)
    world.guest.give(bytes(3 * MIB))
    client.request(PNG)
    world.guest.give(bytes(MIB + 1), PNG)
    client.heard()
    world.guest.heard()
    client.request(TEXT)
    client.request(PNG)
    assert client.heard() == [given(bytes(3 * MIB))]
    assert world.guest.heard() == [asked(PNG)]


def test_all_that_is_kept_is_kept_as_long_as_the_first():
    """H9."""
    world, client = offered(GTK)
    client.request(TEXT)
    world.guest.give(b"text", TEXT)
    world.wait(30)
    client.request(PNG)
    world.guest.give(b"png", PNG)
    world.guest.heard()
    world.wait(30.125)
    client.request(TEXT)
    world.guest.give(b"new", TEXT)
    client.request(PNG)
    assert world.guest.heard() == [asked(TEXT), asked(PNG)]


def test_data_that_come_when_nobody_waits_any_more_are_kept_as_long():
    """H9."""
    world, client, other = offered(GTK, GTK)
    client.request()
    data = world.guest.spell(given(b"x" * 100))
    world.guest.feed(data[:50])
    world.wait(1)
    client.leave()
    world.wait(10)
    world.guest.feed(data[50:])
    other.request()
    assert other.heard() == [given(b"x" * 100)]
    world.wait(60.125)
    other.request()
    assert world.guest.heard() == [asked(), asked()]
