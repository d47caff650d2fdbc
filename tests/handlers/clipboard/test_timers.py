"""What happens all the time makes no timer each time."""

from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import PNG, all_heard, asked, desks, given, grabbed
from tests.hub.doubles import GTK


@pytest.fixture
def made(monkeypatch):
    """Return what tells how many timers an act has made."""

    def count(world, act):
        timers = []
        call_later = world.clock.callLater

        def counting(*args):
            timers.append(args)
            return call_later(*args)

        with monkeypatch.context() as patch:
            patch.setattr(world.clock, "callLater", counting)
            act()
        return len(timers)

    return count


def test_pastes_in_a_row_have_one_timer(made):
    world, client = desks(GTK, max_grabs=1000)
    world.guest.grab(PNG)
    client.heard()

    def paste():
        for number in range(50):
            client.request(PNG)
            world.guest.give(b"%d" % number, PNG)
            world.guest.grab(PNG)
            assert client.heard() == [given(b"%d" % number, PNG), grabbed(PNG)]

    assert made(world, paste) == 1


def test_many_that_wait_for_the_same_have_one_timer(made):
    world, *clients = desks(*[GTK] * 10)
    world.guest.grab()
    all_heard(world.guest, *clients)

    def ask():
        for client in clients:
            client.request()

    assert made(world, ask) == 1
    assert world.guest.heard() == [asked()]
    world.guest.give(b"x")
    assert all_heard(*clients) == [[given(b"x")]] * 10


def test_grabs_of_a_flood_that_are_held_have_one_timer(made):
    """H39."""
    world, client = desks(GTK, max_grabs=1)
    client.grab()
    world.guest.heard()

    def flood():
        for kind in range(100):
            client.grab(kind)

    # One of them is the log's, which counts the lines that it leaves out.
    assert made(world, flood) <= 2
    world.wait(1)
    assert world.guest.heard() == [grabbed(99)]
