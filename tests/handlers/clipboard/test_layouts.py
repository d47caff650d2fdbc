"""H19: what peers say to one another is spelled for each as it reads."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from tests.handlers.clipboard.desks import (
    CLIENTS,
    NONE,
    PNG,
    TEXT,
    DeskWorld,
    asked,
    desks,
    given,
    grabbed,
    released,
)
from tests.hub.doubles import GTK
from tests.link.frames import (
    CLIPBOARD,
    GRAB,
    LINUX,
    RELEASE,
    REQUEST,
    WINDOWS,
    numbers,
)
from tests.wire.decoding import frame

GUESTS = {"linux": LINUX, "windows": WINDOWS}
PEERS = [*CLIENTS, *GUESTS]

PAIRS = [
    pair
    for pair in itertools.product(PEERS, PEERS)
    if not (pair[0] in GUESTS and pair[1] in GUESTS)
]


def meet(*names):
    """Return a world and its ends with these names, all of them up."""
    world = DeskWorld()
    world.guest.come_up(WINDOWS if "windows" in names else LINUX)
    ends = [
        world.guest if name in GUESTS else world.ready_client(CLIENTS[name])
        for name in names
    ]
    return world, *ends


def converse(world, owner, asker, kind, data, *, one_by_one=False):
    """Have one copy, and the other one paste it, until it is gone."""
    owner.grab(TEXT, kind, one_by_one=one_by_one)
    assert asker.heard() == [grabbed(TEXT, kind)]
    asker.say(asked(kind), one_by_one=one_by_one)
    assert owner.heard() == [asked(kind)]
    owner.say(given(data, kind), one_by_one=one_by_one)
    assert asker.heard() == [given(data, kind)]
    asker.request(77)
    assert asker.heard() == [NONE]
    owner.release()
    world.wait(0.5)
    assert asker.heard() == [released()]
    assert owner.heard() == []


@pytest.mark.parametrize(("owner", "asker"), PAIRS)
@pytest.mark.parametrize("one_by_one", [False, True], ids=["whole", "bytes"])
def test_any_two_share_a_selection(owner, asker, one_by_one):
    """H19."""
    world, one, other = meet(owner, asker)
    converse(world, one, other, PNG, b"\x89PNG\r\n" * 700, one_by_one=one_by_one)
    converse(world, other, one, PNG, b"", one_by_one=one_by_one)


@settings(max_examples=150, deadline=None)
@for_all(st.sampled_from(PAIRS), st.integers(2, 2**32 - 1), st.binary(max_size=5000))
def test_any_two_share_any_data(pair, kind, data):
    """H19."""
    if kind in (6, 77):
        return
    world, one, other = meet(*pair)
    converse(world, one, other, kind, data)


@settings(max_examples=60, deadline=None)
@for_all(st.lists(st.binary(max_size=3000), min_size=len(PEERS), max_size=len(PEERS)))
def test_all_share_what_each_has(contents):
    """H19."""
    world = DeskWorld()
    world.guest.come_up()
    ends = [world.guest, *[world.ready_client(word) for word in CLIENTS.values()]]
    for owner, data in zip(ends, contents, strict=False):
        owner.grab()
        others = [end for end in ends if end is not owner]
        for end in others:
            end.heard()
            end.request()
        owner.give(data)
        assert [end.heard() for end in others] == [[given(data)]] * len(others)
        world.wait(5)


class Spelling(NamedTuple):
    """What one kind of peer says and hears, byte for byte."""

    grab: bytes
    request: bytes
    data: bytes
    release: bytes

    def framed(self):
        kinds = (GRAB, REQUEST, CLIPBOARD, RELEASE)
        return [frame(kind, body) for kind, body in zip(kinds, self, strict=True)]


BARE = Spelling(numbers(TEXT), numbers(TEXT), numbers(TEXT) + b"x", b"")
SELECTED = Spelling(
    numbers(0, TEXT), numbers(0, TEXT), numbers(0, TEXT) + b"x", numbers(0)
)
STAMPED = SELECTED._replace(grab=numbers(0, 0, TEXT))

SPELLINGS = {
    "by demand": BARE,
    "selection": SELECTED,
    "serial": STAMPED,
    "gtk": STAMPED,
    "linux": STAMPED,
    "windows": BARE,
}


def said_since(end, before):
    return bytes(end.transport.written[before:])


@pytest.mark.parametrize(("owner", "asker"), PAIRS)
def test_each_is_told_in_the_bytes_that_it_reads(owner, asker):
    """H19."""
    world, one, other = meet(owner, asker)
    said = SPELLINGS[owner].framed()
    told = SPELLINGS[asker].framed()
    to_one, to_other = len(one.transport.written), len(other.transport.written)
    one.feed(said[0])
    assert said_since(other, to_other) == told[0]
    other.feed(told[1])
    assert said_since(one, to_one) == said[1]
    one.feed(said[2])
    one.feed(said[3])
    world.wait(0.5)
    assert said_since(other, to_other) == told[0] + told[2] + told[3]


@pytest.mark.parametrize("name", SPELLINGS)
def test_each_is_told_of_nothing_in_the_bytes_that_it_reads(name):
    """H19."""
    _world, end = meet(name)
    before = len(end.transport.written)
    end.feed(SPELLINGS[name].framed()[1])
    size = len(SPELLINGS[name].request)
    assert said_since(end, before) == frame(CLIPBOARD, bytes(size))


def test_a_client_that_announces_more_is_told_in_its_new_layout():
    """H19."""
    world, client = desks(CLIENTS["by demand"])
    world.guest.grab(TEXT)
    assert client.heard() == [grabbed(TEXT)]
    client.announce(1, GTK)
    client.announce(1)
    client.heard()
    world.guest.grab(PNG)
    client.request(PNG)
    world.guest.give(b"png", PNG)
    assert client.heard() == [grabbed(PNG), given(b"png", PNG)]


def test_a_linux_agent_after_a_windows_one_is_told_in_its_own_layout():
    """H19."""
    world, client = desks(GTK, guest=WINDOWS)
    client.grab()
    assert world.guest.heard() == [grabbed()]
    world.guest.announce(1, LINUX)
    world.guest.heard()
    world.guest.announce(0)
    assert world.guest.heard()[-1] == grabbed()
    assert world.guest.stamps == [None, 0]
    client.heard()
    client.announce(0)
    client.heard()
    world.guest.request()
    assert client.heard() == [asked()]
