from __future__ import annotations

import pytest

from tests.hub.doubles import (
    GTK,
    PINGS,
    Ping,
    Recorder,
    Relay,
    World,
    logged,
    monitors_world,
    up_world,
)
from tests.link.frames import LINUX, WINDOWS
from tests.wire.decoding import frame
from vdproxy.errors import LocalProtocolError
from vdproxy.handlers.capabilities import CapabilitiesHandler, make
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.interfaces import ICapabilitiesHandler
from vdproxy.link.guest import GuestLink
from vdproxy.makers import NoOptions
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import AnnounceCapabilities, FileXferStart

FILES_DISABLED = 13


def told_to_guest(*handlers):
    """Return the capabilities of our question to the guest."""
    world = World(*handlers)
    world.guest.connect()
    (question,) = world.guest.heard()
    assert question.request == 1
    return question.capabilities


def shown(world, word=GTK):
    """Return the capabilities of our question to a client."""
    (question,) = world.client(word).heard()
    assert question.request == 1
    return set(question.capabilities)


def test_it_says_what_it_is():
    handler = make(NoOptions())
    assert isinstance(handler, CapabilitiesHandler)
    assert ICapabilitiesHandler.providedBy(handler)
    assert handler.messages == (AnnounceCapabilities,)
    assert not handler.relayed
    assert not handler.provided


def test_the_guest_is_told_what_the_handlers_can_use():
    assert told_to_guest(MonitorsHandler()) == Capabilities.of(1, 2, 12)
    assert told_to_guest() == Capabilities()


def test_the_guest_is_told_of_what_handlers_provide_and_of_third_parties():
    provides = Recorder(provided=Capabilities.of(14))
    third = Recorder(Ping, relayed=PINGS)
    told = told_to_guest(MonitorsHandler(), provides, third)
    assert told == Capabilities.of(1, 2, 12, 14, 40)


@pytest.mark.parametrize("how", ["relayed", "provided"])
def test_the_guest_is_never_told_what_only_agents_announce(how):
    """H20."""
    everything = Capabilities((1 << 64) - 1)
    handler = Recorder(**{how: everything})
    told = told_to_guest(handler)
    assert set(everything) - set(told) == {7, 8, 9, 10, 11, 13, 15}
    world = World(handler)
    world.guest.come_up(2**32 - 1)
    assert {7, 8, 9, 10, 11, 13, 15} <= shown(world)


def test_the_guest_is_told_of_selections_wherever_of_by_demand():
    """H41."""
    assert told_to_guest(Recorder(relayed=Capabilities.of(5))) == Capabilities.of(5, 6)
    GuestLink(Codec(), told_to_guest(Recorder(provided=Capabilities.of(5))))
    with pytest.raises(LocalProtocolError):
        GuestLink(Codec(), Capabilities.of(5))


def test_the_guest_is_told_the_same_whoever_is_connected():
    """H1 and H20."""
    world = World(MonitorsHandler())
    told = []
    for word in (None, GTK, 0, LINUX):
        if word is not None:
            world.ready_client(word).announce(1)
        world.guest.connect()
        told += world.guest.heard()
        world.guest.announce(0)
        world.guest.leave()
    assert told == [told[0]] * 4


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (LINUX, {1, 2, 7}),
        (WINDOWS, {1, 2, 7}),
        (WINDOWS | 1 << 12, {1, 2, 7, 12}),
        (1 << 1, {1}),
        (0, set()),
        (2**32 - 1, {1, 2, 7, 12}),
    ],
)
def test_a_client_is_shown_what_the_agent_can_do_as_far_as_it_is_relayed(
    word, expected
):
    """H20."""
    world = World(MonitorsHandler())
    world.guest.come_up(word)
    assert shown(world) == expected | {FILES_DISABLED}


@pytest.mark.parametrize("word", [GTK, 0, 0x60])
def test_a_client_is_shown_the_same_whatever_it_can_do_itself(word):
    assert shown(monitors_world(), word) == {1, 2, 7, FILES_DISABLED}


@pytest.mark.parametrize("word", [LINUX, WINDOWS, 0])
def test_a_client_is_shown_what_is_provided_whatever_the_agent_can_do(word):
    """H20."""
    world = World(Recorder(provided=Capabilities.of(5, 6, 16)))
    world.guest.come_up(word)
    assert shown(world) == {5, 6, 16, FILES_DISABLED}


@pytest.mark.parametrize(
    ("word", "expected"), [(LINUX, set()), (LINUX | 1 << 13, {13}), (1 << 13, {13})]
)
def test_files_are_disabled_as_far_as_the_agent_says_so(word, expected):
    world = World(Recorder(FileXferStart))
    world.guest.come_up(word)
    assert shown(world) == expected


@pytest.mark.parametrize("request_", [0, 1])
def test_a_clients_announcement_never_reaches_the_guest_or_others(request_):
    """H1."""
    world = monitors_world()
    client, other = world.client(), world.ready_client()
    for word in (GTK, 0, 2**32 - 1):
        client.announce(request_, word)
    assert world.guest.heard() == []
    assert other.heard() == []


def test_the_guests_announcement_never_reaches_a_client_as_it_is():
    """H2."""
    client = monitors_world().ready_client()
    world_word = client.peer.offered
    assert world_word == Capabilities.of(1, 2, 7, FILES_DISABLED)
    assert client.heard() == []


def test_another_announcement_of_the_guest_makes_other_offers():
    world = monitors_world()
    client, other = world.ready_client(), world.ready_client(0)
    world.guest.announce(0, WINDOWS & ~(1 << 7))
    expected = AnnounceCapabilities(1, (1 << 1 | 1 << 2 | 1 << 13,))
    assert client.heard() == [expected]
    assert other.heard() == [expected]
    assert world.guest.heard() == []
    assert world.hub.guest.up


def test_an_announcement_that_changes_nothing_here_is_told_to_nobody():
    """H2."""
    world = monitors_world()
    client = world.ready_client()
    world.guest.announce(0, WINDOWS)
    world.guest.announce(0, LINUX)
    assert client.heard() == []


def test_a_question_in_sync_makes_no_offers_until_it_is_answered():
    world = monitors_world()
    client = world.ready_client()
    world.guest.announce(1, 0)
    assert client.heard() == []
    world.guest.announce(0)
    assert client.heard() == [AnnounceCapabilities(1, (1 << 13,))]


def test_a_bad_announcement_of_a_client_is_not_answered():
    client = monitors_world().client()
    client.heard()
    with logged() as lines:
        client.feed(frame(6, b"?"))
    assert client.heard() == []
    assert len(lines) == 1


def third_party_world(word):
    world = World(MonitorsHandler(), Relay(Ping, relayed=PINGS))
    world.guest.come_up(word)
    return world


@pytest.mark.parametrize("one_by_one", [True, False])
def test_a_third_partys_messages_pass_where_both_ends_announce_them(one_by_one):
    world = third_party_world(LINUX | PINGS.bits)
    client = world.client(GTK | PINGS.bits)
    (question,) = client.heard()
    assert 40 in question.capabilities
    assert len(question.caps) == 2
    client.announce(1)
    client.say(Ping(b"there" * 1000), one_by_one=one_by_one)
    assert world.guest.heard() == [Ping(b"there" * 1000)]
    world.guest.say(Ping(b""), Ping(b"back"), one_by_one=one_by_one)
    assert client.heard()[1:] == [Ping(b""), Ping(b"back")]


def test_a_third_partys_bit_is_not_shown_where_the_agent_lacks_it():
    world = third_party_world(LINUX)
    assert 40 in world.hub.guest.offered
    assert 40 not in shown(world)


def test_a_third_partys_bad_payload_is_refused_like_any_other():
    handler = Relay(Ping, relayed=PINGS)
    client = up_world(handler).ready_client()
    with logged() as lines:
        client.feed(frame(Ping.number, b"bad"))
    ((_, peer, message, reason),) = handler.told("dropped")
    assert peer is client.peer
    assert message.payload == b"bad"
    assert reason == "3 bytes are no Ping: ValueError"
    assert len(lines) == 1
