from __future__ import annotations

import pytest

from tests.hub.doubles import PINGS, Ping, Recorder, World, up_world
from tests.link.frames import LINUX
from vdproxy.handlers.capabilities import CapabilitiesHandler
from vdproxy.hub.hub import Hub
from vdproxy.hub.isolation import Installed
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.constants import DEFAULT_MAX_MESSAGE, MessageType
from vdproxy.wire.messages import AnnounceCapabilities, Clipboard


def test_a_handler_is_given_what_belongs_to_its_vm():
    handler = Recorder()
    world = World(handler)
    assert handler.vm.name == "one"
    world.wait(1)
    assert handler.vm.clock.seconds() == world.clock.seconds() == 1
    assert handler.vm.log is world.hub.log
    assert handler.vm.guest is world.hub.guest


def test_what_a_handler_counts_is_among_the_vms_counters():
    handler = Recorder()
    world = World(handler)
    for event in ("pings", "pings", "other"):
        handler.vm.count(event)
    assert (world.hub.counters["pings"], world.hub.counters["other"]) == (2, 1)


@pytest.mark.parametrize(
    ("options", "size"),
    [({}, DEFAULT_MAX_MESSAGE), ({"max_message": 12_345}, 12_345)],
)
def test_a_handler_is_told_how_much_data_a_message_may_have(options, size):
    handler = Recorder()
    World(handler, **options)
    assert handler.vm.max_message == size


def test_each_handler_is_given_its_own_options():
    handlers = [Recorder(), Recorder()]
    installed = [Installed("capabilities", CapabilitiesHandler(), None)]
    installed += [Installed("x", handler, [handler]) for handler in handlers]
    Hub("one", World().clock, installed).start()
    for handler in handlers:
        assert handler.vm.options == [handler]


def test_clients_are_those_that_are_ready():
    handler = Recorder()
    world = up_world(handler)
    first, waiting, second = world.ready_client(), world.client(), world.ready_client()
    assert handler.vm.clients == (first.peer, second.peer)
    waiting.negotiate()
    first.leave()
    assert handler.vm.clients == (waiting.peer, second.peer)


def test_a_client_that_begins_anew_is_ready_again_after_it_was_left():
    class Looks(Recorder):
        def client_left(self, client):
            self.calls.append(("left", self.vm.clients))

        def client_ready(self, client):
            self.calls.append(("ready", self.vm.clients))

    handler = Looks()
    client = up_world(handler).client()
    for _ in range(2):
        client.announce(1)
    assert handler.told("left", "ready") == [
        ("ready", (client.peer,)),
        ("left", ()),
        ("ready", (client.peer,)),
    ]


def test_a_client_that_answers_another_offer_is_met_again_without_having_left():
    """H2."""
    handler = Recorder(Ping, relayed=PINGS)
    world = World(handler)
    world.guest.come_up(LINUX | PINGS.bits)
    client, other = world.ready_client(), world.ready_client()
    handler.relayed = Capabilities()
    handler.forget()
    handler.vm.offers_changed()
    assert handler.calls == []
    client.announce(0)
    assert handler.calls == [("client_ready", client.peer)]
    assert handler.vm.clients == (client.peer, other.peer)
    client.announce(0)
    assert len(handler.calls) == 1


def test_capabilities_are_those_of_all_enabled_handlers():
    first = Recorder(relayed=Capabilities.of(1), provided=Capabilities.of(100))
    second = Recorder(relayed=Capabilities.of(1, 2), provided=Capabilities.of(3))
    World(first, second)
    assert first.vm.relayed == Capabilities.of(1, 2)
    assert first.vm.provided == Capabilities.of(3, 100)


def test_owned_types_are_those_of_enabled_handlers():
    handler = Recorder(Ping, Clipboard)
    World(handler)
    assert handler.vm.owns(Ping.number)
    assert handler.vm.owns(MessageType.VD_AGENT_CLIPBOARD)
    assert handler.vm.owns(MessageType.VD_AGENT_ANNOUNCE_CAPABILITIES)
    assert not handler.vm.owns(MessageType.VD_AGENT_MONITORS_CONFIG)


def test_a_change_of_offers_is_told_to_those_it_concerns():
    handler = Recorder(Ping, relayed=PINGS)
    world = World(handler)
    world.guest.come_up(LINUX | PINGS.bits)
    client = world.ready_client()
    handler.vm.offers_changed()
    assert client.heard() == []
    handler.relayed = Capabilities()
    handler.vm.offers_changed()
    (announced,) = client.heard()
    assert isinstance(announced, AnnounceCapabilities)
    assert announced.request == 1
    assert 40 not in announced.capabilities
    assert world.guest.heard() == []


def test_a_change_of_offers_while_the_agent_is_down_waits_for_it():
    handler = Recorder(Ping, relayed=PINGS)
    world = World(handler)
    world.guest.come_up(LINUX | PINGS.bits)
    client = world.ready_client()
    world.guest.leave()
    handler.relayed = Capabilities()
    handler.vm.offers_changed()
    assert client.heard() == []
    world.guest.come_up(LINUX | PINGS.bits)
    (announced,) = client.heard()
    assert 40 not in announced.capabilities
