from __future__ import annotations

import pytest

from tests.hub.doubles import World
from tests.link.frames import LINUX, WINDOWS
from tests.wire.decoding import frame
from vdproxy.handlers.graphics_device import GraphicsDeviceHandler, make
from vdproxy.interfaces import IMessageHandler
from vdproxy.makers import NoOptions
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import (
    ClientDisconnected,
    DeviceDisplayInfo,
    GraphicsDeviceInfo,
)


def devices(*monitors):
    return GraphicsDeviceInfo(
        tuple(DeviceDisplayInfo(0, m, m, b"pci/0000/02.0") for m in monitors)
    )


def with_clients(count, word=LINUX):
    world = World(GraphicsDeviceHandler())
    world.guest.come_up(word)
    return world, *[world.ready_client() for _ in range(count)]


def test_it_says_what_it_is():
    handler = make(NoOptions())
    assert isinstance(handler, GraphicsDeviceHandler)
    assert IMessageHandler.providedBy(handler)
    assert handler.messages == (GraphicsDeviceInfo,)
    assert handler.relayed == Capabilities.of(15)
    assert not handler.provided


@pytest.mark.parametrize("port", [1, 2])
def test_maps_are_forwarded_and_nobody_is_answered(port):
    world, client, other = with_clients(2)
    client.say(devices(0), devices(), devices(0, 1), port=port)
    assert world.guest.heard() == [devices(0), devices(), devices(0, 1)]
    assert [client.heard(), other.heard()] == [[], []]
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_an_agent_that_comes_up_is_told_the_newest():
    world, first, second = with_clients(2)
    first.say(devices(0), devices(1))
    second.say(devices(2))
    assert world.guest.start_anew() == [devices(2)]
    first.say(devices(3))
    assert world.guest.heard() == [devices(3)]
    assert world.guest.start_anew() == [devices(3)]


@pytest.mark.parametrize(
    "end",
    [lambda client: client.leave(), lambda client: client.say(ClientDisconnected())],
    ids=["leaves", "begins anew"],
)
def test_the_map_of_a_client_that_goes_is_forgotten(end):
    world, staying, going = with_clients(2)
    staying.say(devices(1))
    going.say(devices(2))
    world.guest.heard()
    end(going)
    assert world.guest.heard() == []
    assert world.guest.start_anew() == [devices(1)]
    end(staying)
    assert world.guest.start_anew() == []


@pytest.mark.parametrize("word", [WINDOWS, 0])
def test_an_agent_that_wants_none_is_told_none_and_the_next_one_is(word):
    world, client = with_clients(1, word)
    client.say(devices(1))
    assert world.guest.heard() == []
    assert world.guest.start_anew(word) == []
    assert world.guest.start_anew() == [devices(1)]


def test_what_is_said_without_an_agent_is_told_to_the_next():
    world, client = with_clients(1)
    world.guest.leave()
    client.say(devices(1))
    world.guest.connect()
    world.guest.heard()
    world.guest.announce(0)
    assert world.guest.heard() == [devices(1)]


def test_what_the_guest_says_and_what_cannot_be_read_is_ignored():
    world, client = with_clients(1)
    world.guest.say(devices(1))
    client.feed(frame(16, b"\1\0\0\0"))
    assert client.heard() == []
    assert world.guest.start_anew() == []
