from __future__ import annotations

import gc
import weakref

import pytest

from tests.handlers.clipboard.desks import (
    BY_DEMAND,
    JPG,
    NONE,
    PNG,
    PRIMARY,
    TEXT,
    all_heard,
    asked,
    desks,
    given,
    grabbed,
    released,
)
from tests.hub.doubles import GTK, logged
from tests.link.frames import WINDOWS

HELD = "clipboards change too often"

#: Types that tell GRABs apart.
FIRST = 100


def ping_pong(one, other, times):
    """Have two grab in turns, the one first."""
    for number in range(times):
        (one, other)[number % 2].grab()


def looping(others=0):
    """Return a world in which the guest's next GRAB after four changes is held."""
    world, client, *rest = desks(GTK, *[GTK] * others)
    ping_pong(client, world.guest, 5)
    all_heard(world.guest, client, *rest)
    return world, client, *rest


def test_four_changes_between_the_same_two_count_at_once():
    """H42."""
    world, client, other = desks(GTK, GTK)
    with logged() as lines:
        ping_pong(client, world.guest, 5)
    assert world.guest.heard() == [grabbed()] * 3
    assert client.heard() == [grabbed()] * 2
    assert other.heard() == [grabbed()] * 5
    assert lines.having(HELD) == []


def test_the_next_change_between_them_is_held_for_2_seconds():
    """H42."""
    world, client, other = looping(others=1)
    with logged() as lines:
        world.guest.grab(PNG)
        world.wait(1.875)
    assert all_heard(client, other) == [[], []]
    assert len(lines.having(HELD)) == 1
    world.wait(0.125)
    assert all_heard(client, other) == [[grabbed(PNG)]] * 2
    world.wait(10)
    assert all_heard(world.guest, client, other) == [[], [], []]


def test_two_clients_that_answer_each_other_are_held_as_well():
    """H42."""
    world, first, second = desks(GTK, GTK)
    ping_pong(first, second, 6)
    assert world.guest.heard() == [grabbed()] * 5
    assert first.heard() == [grabbed()] * 2
    world.wait(2)
    assert world.guest.heard() == [grabbed()]
    assert first.heard() == [grabbed()]


def test_changes_that_take_their_time_are_not_held():
    """H42."""
    world, client = desks(GTK)
    for number in range(20):
        end, other = [(client, world.guest), (world.guest, client)][number % 2]
        end.grab(FIRST + number)
        assert other.heard() == [grabbed(FIRST + number)]
        world.wait(0.625)


def test_changes_among_three_are_not_held():
    """H42."""
    world, first, second = desks(GTK, GTK)
    ends = [world.guest, first, second]
    for number in range(9):
        ends[number % 3].grab(FIRST + number)
        others = [end for end in ends if end is not ends[number % 3]]
        assert all_heard(*others) == [[grabbed(FIRST + number)]] * 2


@pytest.mark.parametrize("who", ["guest", "client"])
def test_grabs_of_one_peer_alone_are_no_loop(who):
    """H42."""
    world, client, other = desks(GTK, GTK)
    end = world.guest if who == "guest" else client
    for number in range(19):
        end.grab(FIRST + number)
        assert other.heard() == [grabbed(FIRST + number)]


def test_a_loop_in_one_selection_holds_nothing_in_another():
    """H42."""
    world, client = desks(GTK, selections=("clipboard", "primary"))
    ping_pong(client, world.guest, 6)
    client.heard()
    world.guest.grab(selection=PRIMARY)
    assert client.heard() == [grabbed(selection=PRIMARY)]


def test_a_newer_grab_of_the_same_peer_takes_the_place_of_one_that_is_held():
    """H42."""
    world, client = looping()
    with logged() as lines:
        world.guest.grab(TEXT)
        world.wait(1)
        world.guest.grab(PNG)
    assert len(lines.having(HELD)) == 1
    world.wait(0.875)
    assert client.heard() == []
    world.wait(0.125)
    assert client.heard() == [grabbed(PNG)], "no later than the first"
    world.wait(5)
    assert client.heard() == []


def test_a_grab_of_a_third_peer_takes_the_place_of_one_that_is_held():
    """H42."""
    world, client, third = looping(others=1)
    world.guest.grab(TEXT)
    world.wait(1)
    third.grab(PNG)
    assert all_heard(world.guest, client) == [[grabbed(PNG)]] * 2
    world.wait(10)
    assert all_heard(world.guest, client, third) == [[], [], []]
    world.guest.request(PNG)
    assert third.heard() == [asked(PNG)]


def test_while_a_grab_is_held_the_owner_is_asked():
    """H42."""
    world, client, other = looping(others=1)
    world.guest.grab()
    other.request()
    client.give(b"x")
    assert client.heard() == [asked()]
    assert other.heard() == [given(b"x")]


def test_who_waits_has_nothing_before_it_is_told_of_a_grab_that_was_held():
    """H13, H42."""
    world, client, other = looping(others=1)
    world.guest.grab()
    world.wait(1)
    other.request()
    world.wait(1)
    assert client.heard() == [asked(), grabbed()]
    assert other.heard() == [NONE, grabbed()]


def test_a_release_takes_a_grab_that_is_held_back():
    """H16, H42."""
    world, client, other = looping(others=1)
    world.guest.grab()
    world.guest.release()
    assert world.guest.heard() == [grabbed()], "who owns it"
    world.wait(10)
    assert all_heard(world.guest, client, other) == [[], [], []]
    world.guest.request()
    assert client.heard() == [asked()]


@pytest.mark.parametrize("how", ["leave", "start_anew"])
def test_a_grab_that_is_held_goes_with_its_peer(how):
    """H42."""
    world, client = looping()
    world.guest.grab()
    getattr(world.guest, how)()
    client.heard()
    world.wait(10)
    assert client.heard() == []


def test_a_grab_that_is_held_counts_though_the_owner_has_left():
    """H42: a single GRAB is never lost."""
    world, client, other = looping(others=1)
    world.guest.grab(PNG)
    client.leave()
    world.wait(2)
    assert other.heard() == [released(), grabbed(PNG)]


def test_a_grab_that_is_held_counts_though_the_owner_has_released():
    """H42: a single GRAB is never lost."""
    world, client, other = looping(others=1)
    world.guest.grab(PNG)
    client.release()
    world.wait(2)
    assert client.heard() == [grabbed(PNG)]
    assert other.heard() == [released(), grabbed(PNG)]


def test_two_desktops_with_a_second_way_between_them_calm_down():
    """H42: each copies what it hears of at once."""
    world, client = desks(GTK)
    client.grab()
    told = 0
    with logged() as lines:
        for _ in range(30 * 8):
            for end in (world.guest, client) * 3:
                if grabbed() in end.heard():
                    told += 1
                    end.grab()
            world.wait(0.125)
    assert 20 < told <= 5 * 15
    assert len(lines.having(HELD)) <= 15


def test_windows_that_releases_before_it_grabs_anew_keeps_what_is_held():
    """H17, H42: it is told nothing that would end what it has just grabbed."""
    world, client = desks(GTK, guest=WINDOWS)
    ping_pong(client, world.guest, 5)
    all_heard(world.guest, client)
    world.guest.grab(TEXT)
    grab = world.guest.stamped(PNG)
    world.guest.feed(world.guest.spell(released(), grab))
    world.wait(2)
    assert world.guest.heard() == []
    assert client.heard() == [grabbed(PNG)]


def test_windows_that_has_released_what_was_held_is_told_of_a_new_owner_once():
    """H17, H42."""
    world, client, third = desks(GTK, GTK, guest=WINDOWS)
    ping_pong(client, world.guest, 5)
    world.guest.grab()
    world.guest.release()
    all_heard(world.guest, client, third)
    third.grab(PNG)
    world.wait(5)
    assert all_heard(world.guest, client) == [[grabbed(PNG)]] * 2


def test_windows_that_has_released_what_was_held_is_told_who_owns_it():
    """H16, H42."""
    world, client = desks(GTK, guest=WINDOWS)
    ping_pong(client, world.guest, 5)
    world.guest.grab()
    world.guest.release()
    world.guest.heard()
    world.wait(0.5)
    assert world.guest.heard() == [grabbed()]
    world.guest.request()
    assert client.heard()[-1] == asked()


def test_a_hasty_client_that_leaves_after_it_has_released_what_was_held_is_gone():
    """H42."""
    world, client, hasty = desks(GTK, BY_DEMAND)
    ping_pong(client, hasty, 5)
    hasty.grab()
    hasty.release()
    left = weakref.ref(hasty.peer)
    hasty.leave()
    del hasty
    gc.collect()
    assert left() is None
    world.wait(2)
    assert world.nothing_runs()


def test_a_grab_that_is_held_takes_effect_if_the_newer_one_goes():
    """H39, H42: none is lost that nothing takes the place of."""
    world, first, second = desks(GTK, GTK)
    for client in (second, first):
        for _ in range(20):
            client.grab()
    all_heard(world.guest, first, second)
    first.grab(PNG)
    second.grab(JPG)
    second.leave()
    world.wait(2)
    assert world.guest.heard() == [grabbed(PNG)]
    world.guest.request(PNG)
    assert first.heard() == [asked(PNG)]


def two_held():
    """Return a world in which two GRABs are held, for 0.5 and for 1 second."""
    world, first, second = desks(GTK, GTK)
    for _ in range(20):
        first.grab()
    world.wait(0.5)
    for _ in range(20):
        second.grab()
    first.grab(PNG)
    second.grab(JPG)
    world.guest.heard()
    return world, second


def test_the_newest_that_is_held_takes_effect_when_it_is_due_itself():
    """H39, H42."""
    world, _newest = two_held()
    with logged() as lines:
        world.wait(0.875)
        assert world.guest.heard() == []
        world.wait(0.125)
        assert world.guest.heard() == [grabbed(JPG)]
        world.wait(5)
    assert world.guest.heard() == []
    assert lines.having("failed") == []


def test_one_that_is_overdue_takes_effect_as_soon_as_the_newer_one_goes():
    """H39, H42."""
    world, newest = two_held()
    world.wait(0.75)
    newest.release()
    world.clock.advance(0)
    assert world.guest.heard() == [released(), grabbed(PNG)]


def test_when_nothing_is_held_any_more_nothing_comes_of_it():
    """H42."""
    world, client = looping()
    world.guest.grab(PNG)
    world.guest.release()
    with logged() as lines:
        world.wait(5)
    assert all_heard(client) == [[]]
    assert lines.having("failed") == []
