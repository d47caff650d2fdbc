"""Peers that grab without end."""

from __future__ import annotations

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from tests.handlers.clipboard.desks import (
    BY_DEMAND,
    PNG,
    PRIMARY,
    TEXT,
    all_heard,
    desks,
    grabbed,
    released,
)
from tests.hub.doubles import GTK, logged
from vdproxy.wire.messages import ClientDisconnected

HELD = "clipboards change too often"

#: Types that tell GRABs apart.
FIRST = 100


class Flood:
    """One peer that grabs without end, and another one that is told, and when."""

    def __init__(self, who, **options):
        self.world, client, *_ = desks(GTK, **options)
        guest = self.world.guest
        self.end, self.other = (guest, client) if who == "guest" else (client, guest)
        self.told = []
        self.count = 0

    def grab(self, times, **options):
        for _ in range(times):
            self.end.grab(FIRST + self.count, **options)
            self.count += 1
        self.listen()

    def wait(self, seconds, step=0.0625):
        for _ in range(round(seconds / step)):
            self.world.clock.advance(step)
            self.listen()

    def listen(self):
        now = self.world.clock.seconds()
        self.told += [(now, message) for message in self.other.heard()]

    @property
    def numbers(self):
        return [message.types[0] - FIRST for _, message in self.told]


each_flooder = pytest.mark.parametrize("who", ["guest", "client"])


@each_flooder
def test_20_grabs_in_a_second_count_at_once(who):
    """H39."""
    flood = Flood(who)
    with logged() as lines:
        flood.grab(20)
    assert flood.numbers == list(range(20))
    assert lines.having(HELD) == []


@each_flooder
@pytest.mark.parametrize("most", [1, 500])
def test_how_many_count_at_once_is_an_option(who, most):
    flood = Flood(who, max_grabs=most)
    flood.grab(most)
    assert flood.numbers == list(range(most))
    flood.grab(2)
    assert flood.numbers == list(range(most))
    flood.wait(2)
    assert flood.numbers == [*range(most), most + 1]


@each_flooder
def test_of_more_grabs_in_a_second_the_newest_counts_when_it_is_over(who):
    """H39."""
    flood = Flood(who)
    with logged() as lines:
        flood.grab(100)
        flood.wait(0.9375)
    assert flood.numbers == list(range(20))
    assert len(lines.having(HELD)) == 1
    flood.wait(0.0625)
    assert flood.numbers == [*range(20), 99]
    flood.wait(10)
    assert flood.numbers == [*range(20), 99]


@each_flooder
def test_a_flood_is_never_told_at_more_than_20_a_second(who):
    """H39."""
    flood = Flood(who)
    for _ in range(16 * 6):
        flood.grab(7)
        flood.wait(0.0625)
    last = flood.world.clock.seconds()
    flood.wait(10)
    times = [time for time, _ in flood.told]
    assert all(
        late - early >= 1 for early, late in zip(times, times[20:], strict=False)
    )
    assert flood.numbers == sorted(set(flood.numbers))
    assert flood.numbers[-1] == flood.count - 1, "the last one counts"
    assert times[-1] <= last + 1
    assert len(times) >= 20 * 6, "and no fewer than may be"


@each_flooder
def test_grabs_below_the_limit_are_all_told(who):
    """H39."""
    flood = Flood(who)
    for _ in range(16 * 4):
        flood.grab(1)
        flood.wait(0.0625)
    assert flood.numbers == list(range(64))


@each_flooder
def test_the_limit_is_one_for_all_selections(who):
    """H39."""
    flood = Flood(who, selections=("clipboard", "primary"))
    flood.grab(20)
    flood.grab(5, selection=PRIMARY)
    assert flood.numbers == list(range(20))
    flood.wait(1)
    assert flood.numbers == [*range(20), 24]


def test_a_flood_of_one_holds_nobody_else():
    """H39."""
    world, client, other = desks(GTK, GTK)
    for _ in range(100):
        client.grab(TEXT)
    all_heard(world.guest, other)
    other.grab(PNG)
    assert all_heard(world.guest, client) == [[grabbed(PNG)]] * 2
    world.wait(5)
    assert all_heard(world.guest, client, other) == [[], [], []], "the newest counts"


def test_a_flood_ends_with_its_peer():
    """H39."""
    world, client, other = desks(GTK, GTK)
    for _ in range(100):
        client.grab(TEXT)
    client.leave()
    assert world.guest.heard() == [grabbed()] * 20 + [released()]
    world.wait(5)
    assert world.guest.heard() == []
    other.grab(PNG)
    assert world.guest.heard() == [grabbed(PNG)]


def test_an_owner_that_releases_in_a_flood_owns_nothing():
    """H16, H39."""
    world, client, other = desks(GTK, GTK)
    for _ in range(100):
        client.grab(TEXT)
    client.release()
    assert world.guest.heard()[-1] == released()
    assert other.heard()[-1] == released()
    world.wait(5)
    assert all_heard(world.guest, client, other) == [[], [], []]


def test_a_hasty_client_that_floods_is_not_told_to_have_released():
    """H17, H39."""
    world, client, other = desks(BY_DEMAND, GTK)
    for number in range(100):
        client.grab(FIRST + number)
        client.feed(client.spell(released(), client.stamped(FIRST + number)))
    world.wait(5)
    assert released() not in other.heard() + world.guest.heard()
    assert other.remote == world.guest.remote == {0: (FIRST + 99,)}


@settings(max_examples=100, deadline=None)
@for_all(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(1, 30), st.sampled_from([0, 1 / 16, 0.5])
        ),
        max_size=40,
    )
)
def test_however_many_grab_in_the_end_the_last_one_owns(steps):
    """H39, H42."""
    world, *clients = desks(GTK, BY_DEMAND, GTK)
    ends = [world.guest, *clients]
    for number, (who, times, pause) in enumerate(steps):
        for _ in range(times):
            ends[who].grab(FIRST + number)
        world.clock.advance(pause)
    world.wait(2)
    all_heard(*ends)
    if steps:
        last = ends[steps[-1][0]]
        told = {0: (FIRST + len(steps) - 1,)}
        assert [end.remote for end in ends] == [
            {} if end is last else told for end in ends
        ]


def test_one_that_begins_anew_has_no_more_grabs_a_second_for_that():
    """H39."""
    world, client = desks(GTK)
    for _ in range(10):
        for _ in range(20):
            client.grab()
        client.say(ClientDisconnected(), port=2)
    assert len([m for m in world.guest.heard() if m == grabbed()]) == 20
