"""The guest pastes, and clients what another one has: the owner is asked."""

from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import (
    BMP,
    EMPTY,
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
from tests.hub.doubles import GTK, logged
from tests.link.frames import LINUX, WINDOWS


def offered(*words, types=(TEXT, PNG), **options):
    """Return a world whose first client has grabbed, which counts as heard."""
    world, owner, *others = desks(*words, **options)
    owner.grab(*types)
    all_heard(world.guest, owner, *others)
    return world, owner, *others


@pytest.mark.parametrize("kind", [TEXT, PNG, BMP, TIFF, JPG, 77])
@pytest.mark.parametrize("guest", [LINUX, WINDOWS], ids=["linux", "win"])
@pytest.mark.parametrize("one_by_one", [False, True], ids=["whole", "bytes"])
def test_data_of_every_type_come_as_they_are(kind, guest, one_by_one):
    world, owner = offered(GTK, types=(kind,), guest=guest)
    data = bytes(range(256)) * 9 + b"\r\n\n\0"
    world.guest.say(asked(kind), one_by_one=one_by_one)
    assert owner.heard() == [asked(kind)]
    owner.say(given(data, kind), one_by_one=one_by_one)
    assert world.guest.heard() == [given(data, kind)]


def test_the_owner_alone_is_asked():
    """H11."""
    world, owner, *others = offered(GTK, GTK, GTK)
    world.guest.request()
    assert all_heard(owner, *others) == [[asked()], [], []]
    for other in others:
        other.refuse()
        other.give(b"not mine")
    assert world.guest.heard() == []
    owner.give(b"mine")
    assert world.guest.heard() == [given(b"mine")]


def test_a_former_owner_answers_for_nobody():
    """H11."""
    world, former, owner = offered(GTK, GTK)
    world.guest.request()
    owner.grab()
    world.guest.heard()
    world.guest.request()
    former.give(b"old")
    assert world.guest.heard() == []
    owner.give(b"new")
    assert world.guest.heard() == [given(b"new")]


@pytest.mark.parametrize("kind", [0, JPG, 77])
def test_what_is_not_offered_is_answered_with_nothing(kind):
    """H11."""
    world, owner = offered(GTK)
    world.guest.request(kind)
    assert world.guest.heard() == [NONE]
    assert owner.heard() == []


def test_a_guest_that_asks_for_its_own_or_for_nothing_has_nothing():
    """H11."""
    world, client = desks(GTK)
    world.guest.request()
    assert world.guest.heard() == [NONE]
    world.guest.grab()
    world.guest.request()
    assert world.guest.heard() == [NONE]
    assert client.heard() == [grabbed()]


def test_the_owner_is_asked_one_thing_at_a_time():
    """H9."""
    world, owner, other = offered(GTK, GTK)
    world.guest.request(TEXT)
    other.request(PNG)
    world.guest.request(PNG)
    other.request(TEXT)
    assert owner.heard() == [asked(TEXT)]
    owner.give(b"text")
    assert owner.heard() == [asked(PNG)]
    owner.refuse()
    assert world.guest.heard() == [given(b"text"), given(b"", PNG)]
    assert other.heard() == [given(b"text"), NONE]
    assert owner.heard() == []


def test_the_guest_does_not_wait_behind_clients():
    """H11."""
    world, owner, other = offered(GTK, GTK, types=(TEXT, PNG, JPG))
    other.request(PNG)
    other.request(JPG)
    world.guest.request(TEXT)
    owner.give(b"png", PNG)
    assert owner.heard() == [asked(PNG), asked(TEXT)]
    owner.give(b"text")
    assert owner.heard() == [asked(JPG)]
    assert world.guest.heard() == [given(b"text")]


def test_a_client_does_not_wait_for_a_guest_that_asks_without_end():
    """H11."""
    world, owner, other = offered(GTK, GTK, types=(TEXT, PNG, JPG))
    world.guest.request(TEXT)
    other.request(JPG)
    world.guest.request(PNG)
    owner.give(b"text")
    world.guest.request(TEXT)
    owner.give(b"jpg", JPG)
    assert owner.heard() == [asked(TEXT), asked(JPG), asked(PNG)]
    assert other.heard() == [given(b"jpg", JPG)]


def test_each_request_of_the_guest_is_answered_once():
    """H11."""
    world, owner = offered(GTK)
    for _ in range(3):
        world.guest.request()
    assert owner.heard() == [asked()]
    owner.give(b"x")
    owner.give(b"y")
    assert world.guest.heard() == [given(b"x")] * 3
    world.wait(10)
    assert world.guest.heard() == []


def test_what_a_client_gives_is_asked_for_each_time():
    """H9: a client is near, and what it has is its own."""
    world, owner = offered(GTK)
    for data in (b"x", b"y"):
        world.guest.request()
        owner.give(data)
        assert world.guest.heard() == [given(data)]
    assert owner.heard() == [asked()] * 2


def test_an_answer_in_another_type_is_none_to_the_guest():
    world, owner, other = offered(GTK, GTK)
    world.guest.request(TEXT)
    other.request(TEXT)
    owner.give(b"png", PNG)
    assert world.guest.heard() == [EMPTY]
    assert other.heard() == [given(b"png", PNG)]


def test_an_empty_answer_is_one():
    world, owner = offered(GTK)
    world.guest.request()
    owner.give(b"")
    assert world.guest.heard() == [given(b"")]


def test_a_client_pastes_what_another_one_has():
    """H15."""
    world, owner, asker, other = offered(GTK, GTK, GTK)
    asker.request(PNG)
    assert owner.heard() == [asked(PNG)]
    owner.give(b"png", PNG)
    assert all_heard(world.guest, asker, other) == [[], [given(b"png", PNG)], []]


def test_without_sharing_between_clients_one_has_nothing_for_the_other():
    """H15."""
    world, owner, other = offered(GTK, GTK, share_between_clients=False)
    other.request()
    assert other.heard() == [NONE]
    assert owner.heard() == []
    world.guest.request()
    owner.give(b"x")
    assert all_heard(world.guest, other) == [[given(b"x")], []]


def test_clients_and_the_guest_share_an_answer():
    """H9, H15."""
    world, owner, *others = offered(GTK, GTK, GTK)
    for end in (*others, world.guest):
        end.request()
    assert owner.heard() == [asked()]
    owner.give(b"x")
    assert all_heard(world.guest, *others) == [[given(b"x")]] * 3


def test_when_another_client_grabs_who_waits_has_nothing_and_is_told_then():
    """H13."""
    world, owner, other = offered(GTK, GTK)
    world.guest.request()
    other.request()
    other.grab(JPG)
    assert world.guest.heard() == [NONE, grabbed(JPG)]
    assert other.heard() == [NONE]
    assert owner.heard() == [asked(), grabbed(JPG)]
    owner.give(b"late")
    assert all_heard(world.guest, other) == [[], []]


def test_when_the_guest_grabs_while_it_waits_it_has_nothing():
    """H13."""
    world, _owner, other = offered(GTK, GTK)
    world.guest.request()
    other.request()
    world.guest.grab(JPG)
    assert world.guest.heard() == [NONE]
    assert other.heard() == [NONE, grabbed(JPG)]


def test_when_the_owner_grabs_anew_its_answer_from_before_is_not_taken():
    """H13."""
    world, owner = offered(GTK)
    world.guest.request()
    owner.grab()
    world.guest.request()
    assert world.guest.heard() == [NONE, grabbed()]
    owner.give(b"old")
    assert world.guest.heard() == []
    owner.give(b"new")
    assert world.guest.heard() == [given(b"new")]
    assert owner.heard() == [asked(), asked()]


def test_when_the_owner_releases_who_waits_has_nothing_and_is_told_then():
    """H12."""
    world, owner, other = offered(GTK, GTK)
    world.guest.request()
    other.request()
    owner.release()
    assert all_heard(world.guest, other) == [[NONE, released()]] * 2


def test_when_the_owner_leaves_who_waits_has_nothing_and_is_told_then():
    """H12."""
    world, owner, other = offered(GTK, GTK)
    world.guest.request()
    world.guest.request(PNG)
    other.request()
    owner.leave()
    assert world.guest.heard() == [NONE, NONE, released()]
    assert other.heard() == [NONE, released()]


def test_when_the_owner_leaves_in_the_middle_of_its_answer_nothing_of_it_comes():
    """H4, H12."""
    world, owner = offered(GTK)
    world.guest.request()
    owner.feed(owner.spell(given(bytes(10_000)))[:5000])
    owner.leave()
    assert world.guest.heard() == [NONE, released()]


def test_what_stands_behind_an_answer_in_the_same_read_counts_after_it():
    world, owner, other = offered(GTK, GTK)
    world.guest.request()
    both = owner.spell(given(b"x" * 3000), owner.stamped(JPG))
    owner.feed(both[:-1])
    assert world.guest.heard() == [given(b"x" * 3000)]
    owner.feed(both[-1:])
    assert all_heard(world.guest, other) == [[grabbed(JPG)]] * 2


def test_a_guest_that_reads_late_hears_everything_in_its_order():
    """H12, H13."""
    world, owner, other = offered(GTK, GTK)
    data = bytes(300_000)
    world.guest.transport.fill()
    world.guest.request()
    owner.give(data)
    world.guest.request(PNG)
    other.grab(JPG)
    other.release()
    assert world.guest.heard() == []
    world.guest.transport.drain()
    assert world.guest.heard() == [given(data), NONE, grabbed(JPG), released()]


def test_an_owner_that_cannot_be_asked_yet_is_not_waited_for():
    """While no agent is up a client that connects is told nothing."""
    world, client = desks(GTK)
    world.guest.leave()
    owner = world.client(GTK)
    owner.announce(0)
    owner.grab(crossing=True)
    assert client.heard() == [grabbed()]
    with logged() as lines:
        for _ in range(2):
            client.request()
            world.wait(5.1)
            assert client.heard() == [NONE]
    assert owner.heard() == []
    assert not lines.having("failed")
