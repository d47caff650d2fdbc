from __future__ import annotations

import pytest

from tests.hub.doubles import World
from tests.link.frames import LINUX, WINDOWS
from tests.wire.decoding import frame
from vdproxy.handlers.audio import AudioHandler, Options, make
from vdproxy.interfaces import IMessageHandler
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import AudioVolumeSync, ClientDisconnected


def playback(*volume, mute=False):
    return AudioVolumeSync(True, mute, volume)


def record(*volume, mute=False):
    return AudioVolumeSync(False, mute, volume)


def with_clients(*names, owner="last", word=LINUX):
    world = World(make(Options(owner)))
    world.guest.come_up(word)
    return world, *[world.ready_client(name=name) for name in names]


def test_it_says_what_it_is():
    handler = make(Options())
    assert isinstance(handler, AudioHandler)
    assert IMessageHandler.providedBy(handler)
    assert handler.messages == (AudioVolumeSync,)
    assert handler.relayed == Capabilities.of(11)
    assert not handler.provided


def test_volumes_are_forwarded_and_nobody_is_answered():
    world, client, other = with_clients("", "")
    volumes = [playback(1, 65535), record(0, mute=True), playback(), playback(1, 65535)]
    client.say(*volumes)
    assert world.guest.heard() == volumes
    assert [client.heard(), other.heard()] == [[], []]
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("owner", "forwarded"),
    [
        ("first", [0, 2]),
        ("last", [0, 1, 2, 3]),
        ("desk", [0, 2, 3]),
        ("wall", [1]),
        ("nobody", []),
    ],
)
def test_only_the_owners_are_forwarded(owner, forwarded):
    """H24."""
    world, a, b, c = with_clients("desk", "wall", "desk", owner=owner)
    for number, client in enumerate((a, b, a, c)):
        client.say(playback(number))
    assert world.guest.heard() == [playback(number) for number in forwarded]


def test_one_client_owns_both_directions():
    """H24."""
    world, first, second = with_clients("", "", owner="first")
    first.say(playback(1))
    second.say(record(2))
    assert world.guest.heard() == [playback(1)]


def test_an_agent_that_comes_up_is_told_the_owners_last_of_each_direction():
    world, client = with_clients("")
    client.say(playback(1), record(2), playback(3), record(4, mute=True))
    world.guest.heard()
    told = world.guest.start_anew()
    assert sorted(told, key=lambda v: v.volume) == [playback(3), record(4, mute=True)]
    client.leave()
    assert world.guest.start_anew() == []


def test_an_agent_that_comes_up_is_told_nothing_of_other_clients():
    """H24."""
    world, first, second = with_clients("", "", owner="first")
    first.say(playback(1))
    second.say(record(2))
    assert world.guest.start_anew() == [playback(1)]
    first.leave()
    assert world.guest.heard() == []
    assert world.guest.start_anew() == [record(2)]


@pytest.mark.parametrize("word", [WINDOWS, 0])
def test_an_agent_that_wants_none_is_told_none_and_the_next_one_is(word):
    world, client = with_clients("", word=word)
    client.say(playback(1))
    assert world.guest.heard() == []
    assert world.guest.start_anew(word) == []
    assert world.guest.start_anew() == [playback(1)]


def test_what_is_said_without_an_agent_is_told_to_the_next():
    world, client = with_clients("")
    world.guest.leave()
    client.say(playback(1))
    client.say(playback(2))
    world.guest.connect()
    world.guest.heard()
    world.guest.announce(0)
    assert world.guest.heard() == [playback(2)]


def test_a_client_that_begins_anew_is_forgotten():
    world, client = with_clients("")
    client.say(playback(1))
    client.say(ClientDisconnected())
    assert world.guest.start_anew() == []


def test_what_the_guest_says_and_what_cannot_be_read_is_ignored():
    world, client = with_clients("")
    world.guest.say(playback(1))
    client.feed(frame(15, b"\1\0\2\0\0"))
    assert client.heard() == []
    assert world.guest.start_anew() == []
