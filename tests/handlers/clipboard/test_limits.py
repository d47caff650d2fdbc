from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import (
    BY_DEMAND,
    EMPTY,
    NONE,
    PNG,
    TEXT,
    all_heard,
    asked,
    desks,
    given,
    grabbed,
    released,
)
from tests.hub.doubles import GTK, FakeTransport
from tests.link.frames import LINUX, WINDOWS
from tests.wire.decoding import frame
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import MaxClipboard

MAX_CLIPBOARD = Capabilities.of(10).bits


def pasted(client, data, kind=TEXT):
    """Have the guest copy, and a client paste; return what that heard last."""
    guest = client.world.guest
    guest.grab(kind)
    client.request(kind)
    guest.give(data, kind)
    return client.heard()[-1]


def limited(max, word=GTK, **options):
    world, client, other = desks(word, GTK, **options)
    client.world = other.world = world
    client.say(MaxClipboard(max))
    return world, client, other


@pytest.mark.parametrize(
    ("limit", "size", "left"),
    [(10, 10, 10), (10, 11, 0), (0, 1, 0), (0, 0, 0), (-1, 5000, 5000), (1, 9999, 0)],
)
@pytest.mark.parametrize("word", [BY_DEMAND, GTK])
def test_a_client_is_given_no_more_than_it_wants(word, limit, size, left):
    """H22."""
    _world, client, _other = limited(limit, word)
    assert pasted(client, bytes(size), PNG) == given(bytes(left), PNG)


def test_a_client_that_has_said_nothing_is_given_everything():
    """H22."""
    _world, _client, other = limited(1)
    assert pasted(other, bytes(9999)) == given(bytes(9999))


def test_what_it_wants_is_not_told_to_the_guest_or_to_others():
    """H22."""
    world, client, other = limited(10)
    client.say(MaxClipboard(20), MaxClipboard(-1))
    assert all_heard(world.guest, client, other) == [[], [], []]


def test_the_last_that_a_client_wanted_counts():
    """H22."""
    _world, client, _other = limited(10)
    client.say(MaxClipboard(-1))
    assert pasted(client, bytes(20)) == given(bytes(20))
    client.say(MaxClipboard(19))
    assert pasted(client, bytes(20)) == given(b"")


def test_it_counts_for_what_was_kept_and_keeps_nothing_from_others():
    """H22."""
    world, client, other = limited(10)
    assert pasted(other, b"x" * 11) == given(b"x" * 11)
    client.heard()
    for end in (client, other):
        end.request()
    assert world.guest.heard() == [asked()]
    assert all_heard(client, other) == [[given(b"")], [given(b"x" * 11)]]


def test_it_counts_for_what_another_client_has():
    """H22."""
    world, client, other = limited(10)
    other.grab()
    client.request()
    world.guest.request()
    other.give(b"x" * 11)
    assert client.heard() == [grabbed(), given(b"")]
    assert world.guest.heard() == [grabbed(), given(b"x" * 11)]


def test_it_does_not_count_for_what_the_client_sends():
    """H22."""
    world, client, _other = limited(10)
    client.grab()
    world.guest.request()
    client.give(b"x" * 11)
    assert world.guest.heard() == [grabbed(), given(b"x" * 11)]


@pytest.mark.parametrize("ask_twice", [True, False])
def test_a_client_that_begins_anew_wants_everything(ask_twice):
    """H22."""
    world, client, _other = limited(10)
    client.announce(1)
    if ask_twice:
        client.announce(1)
    data = b"x" * 11
    assert pasted(client, data) == given(data if ask_twice else b"")
    world.guest.heard()


def test_a_max_clipboard_of_the_guest_is_ignored():
    world, client, other = limited(-1)
    world.guest.say(MaxClipboard(1))
    assert pasted(client, b"xyz") == given(b"xyz")
    assert other.heard() == [grabbed()]


def test_a_max_clipboard_that_is_none_changes_nothing():
    _world, client, _other = limited(10)
    client.feed(frame(14, b"\0\0\0"))
    assert pasted(client, b"x" * 11) == given(b"")
    assert pasted(client, b"x" * 10) == given(b"x" * 10)


@pytest.mark.parametrize("guest", [LINUX, WINDOWS], ids=["linux", "win"])
def test_the_guest_is_told_max_message_once_a_life(guest):
    """H22."""
    world = desks(guest=guest, max_message=1000)[0]
    for _ in range(2):
        world.guest.announce(1)
        world.guest.heard()
        world.guest.announce(0)
        assert world.guest.heard() == [MaxClipboard(1000)]
    client = world.ready_client()
    client.say(MaxClipboard(5))
    client.announce(1)
    client.leave()
    world.ready_client()
    world.guest.announce(0)
    assert world.guest.heard() == []


@pytest.mark.parametrize("size", [2**31 - 1, 2**31, 2**40])
def test_the_guest_is_told_no_more_than_a_number_of_32_bits(size):
    world = desks(max_message=size)[0]
    world.guest.announce(1)
    world.guest.heard()
    world.guest.announce(0)
    assert world.guest.heard() == [MaxClipboard(2**31 - 1)]


def test_an_agent_that_knows_no_max_clipboard_is_not_told():
    world = desks(guest=LINUX & ~MAX_CLIPBOARD)[0]
    world.guest.announce(1)
    world.guest.heard()
    world.guest.announce(0)
    assert world.guest.heard() == []


def test_of_a_client_64_requests_wait_and_more_have_nothing():
    """H39."""
    world, client, other = desks(GTK, GTK)
    world.guest.grab(TEXT, PNG)
    all_heard(client, other)
    for number in range(70):
        client.request(TEXT if number % 2 else PNG)
    assert client.heard() == [NONE] * 6
    other.request()
    assert other.heard() == []
    world.guest.give(b"png", PNG)
    assert client.heard() == [given(b"png", PNG)] * 32
    assert world.guest.heard() == [asked(PNG), asked(TEXT)]
    client.request()
    world.guest.give(b"x")
    assert client.heard() == [given(b"x")] * 33
    assert other.heard() == [given(b"x")]


def test_of_the_guest_64_requests_wait_and_more_have_nothing():
    """H39."""
    world, owner = desks(GTK)
    owner.grab()
    world.guest.heard()
    for _ in range(1000):
        world.guest.request()
    assert owner.heard() == [asked()]
    assert world.guest.heard() == [EMPTY] * 936
    owner.give(b"x")
    assert world.guest.heard() == [given(b"x")] * 64


def test_data_of_no_type_take_nothing_of_what_may_be_kept():
    """H9, H13."""
    world, client = desks(GTK)
    world.guest.grab()
    for data in (given(bytes(4 * 1024 * 1024), 0), given(b"x")):
        client.request()
        world.guest.say(data)
    client.request()
    assert world.guest.heard() == [asked(), asked()]
    assert client.heard()[-2:] == [given(b"x")] * 2


def over_max_message(*words, guest=LINUX):
    """Return a world whose guest has begun to answer with too much, and the rest."""
    world, *clients = desks(*words, guest=guest, max_message=1000)
    world.guest.grab(TEXT, PNG)
    spelling = desks()[0].guest.spell(given(bytes(5000)))
    all_heard(*clients)
    for client in clients:
        client.request()
    clients[0].request(PNG)
    world.guest.heard()
    world.guest.feed(spelling[:40])
    return world, spelling[40:], *clients


def test_who_waits_for_more_than_max_message_has_nothing_at_once():
    world, _rest, first, second = over_max_message(GTK, GTK)
    assert all_heard(first, second) == [[NONE], [NONE]]
    world.clock.advance(0)
    assert world.guest.heard() == [asked(PNG)], "the next has its turn"


@pytest.mark.parametrize("one_by_one", [False, True], ids=["whole", "bytes"])
def test_what_comes_behind_more_than_max_message_counts(one_by_one):
    world, rest, first, _second = over_max_message(GTK, GTK)
    world.clock.advance(0)
    whole = rest + world.guest.spell(given(b"png", PNG))
    world.guest.feed(whole, one_by_one=one_by_one)
    assert first.heard() == [NONE, given(b"png", PNG)]
    first.request()
    assert world.guest.heard()[-1] == asked(), "nothing of it was kept"


def test_more_than_max_message_that_nobody_asked_for_is_nothing():
    world, rest, first, second = over_max_message(GTK, GTK)
    world.guest.feed(rest)
    world.guest.give(b"png", PNG)
    all_heard(first, second)
    world.guest.feed(desks()[0].guest.spell(given(bytes(5000))))
    assert all_heard(first, second) == [[], []]


def test_a_client_that_answers_with_more_than_max_message_is_gone():
    world, owner, other = desks(GTK, GTK, max_message=1000)
    owner.grab()
    world.guest.request()
    owner.feed(desks(GTK)[1].spell(given(bytes(1001))))
    assert owner.transport.losing
    owner.leave()
    assert world.guest.heard() == [grabbed(), NONE, released()]
    assert other.heard() == [grabbed(), released()]


def test_as_much_as_max_message_is_passed_on():
    world, owner, other = desks(GTK, BY_DEMAND, max_message=1000)
    owner.grab()
    for end in (world.guest, other):
        end.request()
        owner.give(bytes(1000))
        assert end.heard() == [grabbed(), given(bytes(1000))]
    world.guest.grab()
    other.request()
    world.guest.give(bytes(1000))
    assert other.heard() == [grabbed(), given(bytes(1000))]


def test_one_that_does_not_read_keeps_nobody_waiting():
    """H27."""
    world, other = desks(GTK)
    stuck = world.ready_client(transport=FakeTransport(room=100))
    data = bytes(3 * 1024 * 1024)
    for _ in range(6):
        world.guest.grab()
        stuck.request()
        other.request()
        world.guest.give(data)
        assert other.heard() == [grabbed(), given(data)]
    world.wait(10)
    assert stuck.transport.losing
    world.guest.release()
    assert other.heard() == [released()]


def test_a_client_whose_data_the_guest_does_not_read_is_paused_and_no_other():
    """H27, H28."""
    world, owner, other = desks(GTK, GTK)
    owner.grab()
    world.guest.transport.fill()
    world.guest.request()
    owner.give(bytes(2 * 1024 * 1024))
    assert owner.peer.paused
    assert not other.peer.paused
    world.guest.transport.drain()
    assert not owner.peer.paused
    assert world.guest.heard() == [grabbed(), given(bytes(2 * 1024 * 1024))]


@pytest.mark.parametrize("size", [997, 1000, 1001, 1004])
def test_data_that_only_a_client_without_selections_may_send_are_nothing(size):
    """H11, H19: its data begin four bytes earlier, and so may be four more."""
    world, owner, other = desks(BY_DEMAND, GTK, max_message=1000)
    owner.grab()
    all_heard(world.guest, other)
    for end in (world.guest, other):
        end.request()
        owner.give(bytes(size))
        assert end.heard() == [given(bytes(size) if size <= 1000 else b"")]


def test_what_is_kept_for_the_next_who_asks_counts_as_memory():
    world, client = desks(GTK)
    world.guest.grab()
    client.request()
    world.guest.give(bytes(1024 * 1024))
    assert world.hub.share.used == 1024 * 1024
    world.wait(61)
    assert world.hub.share.used == 0
