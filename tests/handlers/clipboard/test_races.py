from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from tests.handlers.clipboard.desks import (
    CLIENTS,
    JPG,
    PNG,
    TEXT,
    WITH_SERIAL,
    all_heard,
    asked,
    desks,
    given,
    grabbed,
)
from tests.hub.doubles import GTK
from tests.link.frames import LINUX, WINDOWS
from vdproxy.wire.constants import MessageType


def test_each_link_counts_its_own_grabs():
    """H18."""
    world, first, second = desks(GTK, GTK)
    for _ in range(3):
        first.grab()
    late = world.ready_client()
    world.guest.grab()
    all_heard(world.guest, first, second, late)
    assert world.guest.stamps == [0, 1, 2]
    assert first.stamps == [3], "three of its own went before"
    assert second.stamps == [0, 1, 2, 3]
    assert late.stamps == [0, 1]


def test_selections_are_counted_apart():
    """H18."""
    world, client, other = desks(GTK, GTK, selections=("clipboard", "primary"))
    client.grab(selection=0)
    client.grab(selection=0)
    client.grab(selection=1)
    all_heard(world.guest, other)
    assert world.guest.stamps == other.stamps == [0, 1, 0]


def test_of_two_that_grab_at_once_the_client_wins_against_the_guest():
    """H18."""
    world, client, other = desks(GTK, GTK)
    client.grab(TEXT)
    world.guest.grab(PNG, crossing=True)
    assert world.guest.heard() == [grabbed(TEXT)]
    assert all_heard(client, other) == [[], [grabbed(TEXT)]]
    world.guest.request()
    assert client.heard() == [asked()]


def test_of_two_that_grab_at_once_the_client_wins_against_us():
    """H18."""
    world, client, other = desks(GTK, GTK)
    world.guest.grab(PNG)
    client.grab(TEXT, crossing=True)
    assert client.heard() == [], "it does not take ours, which lost"
    assert world.guest.heard() == [grabbed(TEXT)]
    assert other.heard() == [grabbed(PNG), grabbed(TEXT)]
    world.guest.request()
    client.give(b"x")
    assert client.heard() == [asked()]
    assert world.guest.heard() == [given(b"x")]


def test_of_two_clients_that_grab_at_once_the_last_wins():
    """H18."""
    world, first, second = desks(GTK, GTK)
    first.grab(TEXT)
    second.grab(PNG, crossing=True)
    assert first.heard() == [grabbed(PNG)]
    assert second.heard() == []
    assert world.guest.heard() == [grabbed(TEXT), grabbed(PNG)]
    second.request()
    first.request(PNG)
    assert second.heard()[-1:] == [asked(PNG)]


def test_a_client_that_lost_two_grabs_of_ours_is_behind_and_loses():
    """H18."""
    world, client, other = desks(GTK, GTK)
    world.guest.grab(TEXT)
    world.guest.grab(PNG)
    client.grab(JPG, crossing=True)
    assert client.heard() == [grabbed(PNG)]
    assert world.guest.heard() == []
    assert other.heard() == [grabbed(TEXT), grabbed(PNG)]


def test_after_a_race_both_ends_go_on():
    """H18."""
    world, client = desks(GTK)
    for _ in range(3):
        client.grab(TEXT)
        world.guest.grab(PNG, crossing=True)
        world.wait(3)
        world.guest.grab(PNG)
        assert client.heard() == [grabbed(PNG)]
        client.grab(JPG)
        world.wait(3)
        assert world.guest.heard() == [grabbed(TEXT), grabbed(JPG)]


ANNOUNCE = MessageType.VD_AGENT_ANNOUNCE_CAPABILITIES
WORDS = st.sampled_from([*CLIENTS.values(), GTK, GTK])
TYPES = st.lists(st.integers(1, 5), min_size=1, max_size=5, unique=True)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("grab"), st.integers(0, 5), TYPES),
        st.tuples(st.just("release"), st.integers(0, 5), st.none()),
        st.tuples(st.just("leave"), st.integers(1, 5), st.none()),
        st.tuples(st.just("begin anew"), st.integers(1, 5), st.none()),
        st.tuples(st.just("join"), WORDS, st.none()),
        st.tuples(st.just("restart"), st.sampled_from([LINUX, WINDOWS]), st.none()),
        st.tuples(st.just("cross"), st.integers(1, 5), TYPES),
    ),
    max_size=25,
)


def take(step, world, clients):
    """Have one thing happen, if it can."""
    what, who, types = step
    if what == "restart":
        world.guest.start_anew(who)
        for client in clients:
            if any(message.number == ANNOUNCE for message in client.heard()):
                client.announce(0)
    elif what == "join":
        clients.append(world.asking_client(who))
    elif who <= len(clients):
        peer = world.guest if who == 0 else clients[who - 1]
        if what == "grab":
            peer.grab(*types)
        elif what == "release" and 0 in peer.owns:
            peer.release()
        elif what == "leave":
            clients.remove(peer)
            peer.leave()
        elif what == "begin anew":
            peer.announce(1)
        elif what == "cross" and peer.capabilities.bits & WITH_SERIAL == WITH_SERIAL:
            world.guest.grab(PNG)
            peer.grab(*types, crossing=True)


@settings(max_examples=150, deadline=None)
@for_all(st.lists(WORDS, max_size=3), STEPS)
def test_whatever_happens_all_know_the_same_owner(words, steps):
    """H14, H16, H17, H18."""
    world = desks()[0]
    clients = [world.asking_client(word) for word in words]
    for step in steps:
        take(step, world, clients)
        world.wait(3)
        for end in (world.guest, *clients):
            end.heard()
        ends = [world.guest, *clients]
        owners = [end for end in ends if 0 in end.owns]
        assert len(owners) <= 1, step
        known = {end.remote.get(0) for end in ends if end not in owners}
        assert len(known) <= 1, step
        if not owners:
            assert known <= {None}, step
