from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import (
    BY_DEMAND,
    CLIENTS,
    NONE,
    PNG,
    TEXT,
    WITH_SELECTION,
    WITH_SERIAL,
    all_heard,
    asked,
    desks,
    given,
    grabbed,
    released,
)
from tests.hub.doubles import GTK
from tests.link.frames import LINUX, RELEASE, WINDOWS
from tests.wire.decoding import frame

#: Clients that may release before they grab anew.
HASTY = [BY_DEMAND, WITH_SELECTION, WITH_SERIAL]
each_hasty = pytest.mark.parametrize("word", HASTY, ids=["5", "5,6", "5,6,17"])


def test_a_release_of_the_guest_is_told_to_all_clients():
    """H16."""
    world, *clients = desks(*CLIENTS.values())
    world.guest.grab()
    world.guest.release()
    assert all_heard(*clients) == [[grabbed(), released()]] * len(clients)
    assert world.guest.heard() == []


def test_a_release_of_a_client_is_told_to_the_guest_and_all_others():
    """H16."""
    world, owner, *others = desks(GTK, *CLIENTS.values())
    owner.grab()
    owner.release()
    for end in (world.guest, *others):
        assert end.heard() == [grabbed(), released()]
    assert owner.heard() == []


@pytest.mark.parametrize("guest", [LINUX, WINDOWS], ids=["linux", "win"])
@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("one_by_one", [False, True], ids=["whole", "bytes"])
def test_a_release_of_the_guest_may_be_a_single_byte(guest, size, one_by_one):
    """H35."""
    world, *clients = desks(*CLIENTS.values(), guest=guest)
    world.guest.grab()
    all_heard(*clients)
    world.guest.feed(frame(RELEASE, bytes(size)), one_by_one=one_by_one)
    world.wait(0.5)
    assert all_heard(*clients) == [[released()]] * len(clients)


@pytest.mark.parametrize(("word", "size"), [(BY_DEMAND, 0), (GTK, 4)])
def test_a_release_of_a_single_byte_goes_out_as_it_should(word, size):
    """H35."""
    world, client = desks(word)
    world.guest.grab()
    client.heard()
    before = len(client.transport.written)
    world.guest.feed(frame(RELEASE, b"\0"))
    assert client.transport.written[before:] == frame(RELEASE, bytes(size))


def test_a_byte_that_is_no_selection_releases_nothing():
    """H35."""
    world, client = desks(GTK)
    world.guest.grab()
    world.guest.feed(frame(RELEASE, b"\xc8"))
    assert client.heard() == [grabbed()]


def test_who_owns_nothing_releases_nothing():
    """H16."""
    world, owner, other = desks(GTK, GTK)
    for end in (world.guest, owner, other):
        end.release()
    owner.grab()
    world.guest.release()
    other.release()
    world.wait(1)
    assert all_heard(world.guest, owner, other) == [[grabbed()], [], [grabbed()]]
    world.guest.request()
    assert owner.heard() == [asked()]


def test_a_release_that_crosses_a_grab_of_another_releases_nothing():
    """H16."""
    world, first, second = desks(GTK, GTK)
    first.grab()
    second.grab()
    first.say(released())
    world.guest.grab()
    second.say(released())
    world.wait(1)
    assert world.guest.heard() == [grabbed(), grabbed()]
    assert first.heard() == [grabbed(), grabbed()]
    assert second.heard() == [grabbed(), grabbed()]


def test_a_second_release_is_nothing():
    """H16."""
    world, owner, other = desks(GTK, GTK)
    owner.grab()
    owner.release()
    owner.release()
    assert all_heard(world.guest, other) == [[grabbed(), released()]] * 2


def test_a_release_of_windows_counts_after_half_a_second():
    """H17."""
    world, client = desks(GTK, guest=WINDOWS)
    world.guest.grab()
    world.guest.release()
    world.wait(0.375)
    assert client.heard() == [grabbed()]
    world.wait(0.125)
    assert client.heard() == [released()]
    world.wait(5)
    assert client.heard() == []


@each_hasty
def test_a_release_of_a_hasty_client_counts_after_half_a_second(word):
    """H17."""
    world, owner, other = desks(word, GTK)
    owner.grab()
    owner.release()
    world.wait(0.375)
    assert all_heard(world.guest, other) == [[grabbed()]] * 2
    world.wait(0.125)
    assert all_heard(world.guest, other) == [[released()]] * 2
    world.wait(5)
    assert all_heard(world.guest, other, owner) == [[], [], []]


@pytest.mark.parametrize("pause", [0, 0.375])
def test_a_release_of_windows_before_it_grabs_anew_is_not_told(pause):
    """H17."""
    world, *clients = desks(GTK, BY_DEMAND, guest=WINDOWS)
    world.guest.grab(TEXT)
    for _ in range(3):
        world.guest.release()
        world.wait(pause)
        world.guest.grab(PNG)
    world.wait(5)
    told = [grabbed(TEXT), *[grabbed(PNG)] * 3]
    assert all_heard(*clients) == [told] * 2


@each_hasty
def test_a_release_of_a_hasty_client_before_it_grabs_anew_is_not_told(word):
    """H17."""
    world, owner, other = desks(word, GTK)
    owner.grab(TEXT)
    owner.feed(owner.spell(released(), owner.stamped(PNG)))
    world.wait(5)
    told = [grabbed(TEXT), grabbed(PNG)]
    assert all_heard(world.guest, other) == [told] * 2
    world.guest.request(PNG)
    assert owner.heard() == [asked(PNG)]


@each_hasty
def test_while_its_owner_may_grab_anew_there_is_nothing_to_paste(word):
    """H12."""
    world, owner, other = desks(word, GTK)
    owner.grab()
    owner.release()
    world.guest.request()
    other.request()
    assert all_heard(world.guest, other) == [[grabbed(), NONE]] * 2
    assert owner.heard() == []


def test_while_windows_may_grab_anew_there_is_nothing_to_paste():
    world, client = desks(GTK, guest=WINDOWS)
    world.guest.grab()
    client.request()
    world.guest.give(b"kept")
    world.guest.release()
    world.guest.heard()
    client.request()
    assert client.heard() == [grabbed(), given(b"kept"), NONE]
    assert world.guest.heard() == []


def test_who_waits_has_nothing_when_the_release_counts():
    """H12."""
    world, owner, other = desks(BY_DEMAND, GTK)
    owner.grab()
    world.guest.request()
    other.request()
    owner.release()
    world.wait(0.5)
    assert all_heard(world.guest, other) == [[grabbed(), NONE, released()]] * 2
    owner.give(b"late")
    assert all_heard(world.guest, other) == [[], []]


def test_an_answer_that_comes_behind_a_release_is_given_while_it_does_not_count():
    world, owner = desks(BY_DEMAND)
    owner.grab()
    world.guest.request()
    owner.release()
    owner.give(b"x")
    world.wait(1)
    assert world.guest.heard() == [grabbed(), given(b"x"), released()]


@each_hasty
def test_when_another_grabs_meanwhile_the_release_is_not_told(word):
    """H17."""
    world, owner, other = desks(word, GTK)
    owner.grab(TEXT)
    owner.release()
    world.wait(0.25)
    other.grab(PNG)
    world.wait(5)
    assert world.guest.heard() == [grabbed(TEXT), grabbed(PNG)]
    assert all_heard(owner, other) == [[grabbed(PNG)], [grabbed(TEXT)]]
    world.guest.request(PNG)
    assert other.heard() == [asked(PNG)]


def test_when_a_client_grabs_meanwhile_the_release_of_windows_is_not_told():
    """H17."""
    world, owner, other = desks(GTK, GTK, guest=WINDOWS)
    world.guest.grab(TEXT)
    world.guest.release()
    owner.grab(PNG)
    world.wait(5)
    assert all_heard(owner, other) == [[grabbed(TEXT)], [grabbed(TEXT), grabbed(PNG)]]
    assert world.guest.heard() == [grabbed(PNG)]


@each_hasty
def test_when_its_owner_leaves_meanwhile_it_is_told_at_once_and_once(word):
    world, owner, other = desks(word, GTK)
    owner.grab()
    owner.release()
    owner.leave()
    assert all_heard(world.guest, other) == [[grabbed(), released()]] * 2
    world.wait(5)
    assert all_heard(world.guest, other) == [[], []]


@pytest.mark.parametrize("lose", ["leave", "start_anew"])
def test_when_windows_is_lost_meanwhile_it_is_told_at_once_and_once(lose):
    world, client = desks(GTK, guest=WINDOWS)
    world.guest.grab()
    world.guest.release()
    getattr(world.guest, lose)()
    heard = [m for m in client.heard() if m in (grabbed(), released())]
    assert heard == [grabbed(), released()]
    world.wait(5)
    assert client.heard() == []


def test_who_comes_meanwhile_knows_in_the_end_that_there_is_nothing():
    """H14."""
    world, owner = desks(BY_DEMAND)
    owner.grab()
    owner.release()
    late = world.ready_client()
    world.wait(1)
    late.request()
    assert late.heard()[-1] == NONE
    assert late.remote == {}


def test_two_releases_before_it_grabs_anew_are_not_told():
    """H17."""
    world, owner = desks(BY_DEMAND)
    owner.grab()
    owner.release()
    owner.release()
    owner.grab(PNG)
    world.wait(2)
    assert world.guest.heard() == [grabbed(), grabbed(PNG)]


def test_a_second_release_does_not_put_the_first_off():
    world, owner = desks(BY_DEMAND)
    owner.grab()
    owner.release()
    world.wait(0.375)
    owner.release()
    world.wait(0.125)
    assert world.guest.heard() == [grabbed(), released()]
    world.wait(5)
    assert world.guest.heard() == []


def test_after_it_has_grabbed_anew_a_release_has_its_own_half_second():
    world, owner = desks(BY_DEMAND)
    owner.grab()
    owner.release()
    world.wait(0.375)
    owner.grab()
    owner.release()
    world.wait(0.375)
    assert world.guest.heard() == [grabbed(), grabbed()]
    world.wait(0.125)
    assert world.guest.heard() == [released()]
