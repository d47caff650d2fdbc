from __future__ import annotations

import pytest

from tests.hub.doubles import (
    PINGS,
    Ping,
    Raises,
    Recorder,
    World,
    logged,
    up_world,
)
from tests.hub.pings import (
    SECRET,
    WITH_PINGS,
    assert_serves,
    broken,
    criticals,
    ping_world,
)
from tests.wire.decoding import frame
from vdproxy.handlers.capabilities import CapabilitiesHandler
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    DisplayConfig,
    MonitorsConfig,
    Reply,
)


def test_after_five_failures_in_a_row_the_feature_is_withdrawn():
    handler = broken("received", "dropped")
    world, client = ping_world(handler)
    shown = client.peer.offered
    assert 40 in shown
    with logged() as lines:
        client.say(*[Ping(b"?")] * 7)
    assert len(handler.told("stop")) == 1
    (line,) = criticals(lines)
    assert line["handler"] == "Raises"
    assert line["vm"] == "one"
    offer = (shown - PINGS).to_words()
    assert AnnounceCapabilities(1, offer) in client.heard()
    assert not world.hub.features.owns(Ping.number)
    assert world.guest.heard() == [], "the guest was told of it"
    assert_serves(world, client)


def test_a_handler_whose_only_failure_is_to_receive_is_withdrawn_after_five():
    handler = broken("received")
    world, client = ping_world(handler)
    with logged() as lines:
        client.say(*[Ping(b"?")] * 4)
        assert world.hub.features.owns(Ping.number)
        client.say(Ping(b"?"))
    assert not world.hub.features.owns(Ping.number)
    assert len(criticals(lines)) == 1


def test_a_withdrawn_handler_is_told_nothing_more():
    handler = broken("guest_lost", "guest_up", "client_ready", "client_left")
    world, client = ping_world(handler)
    for _ in range(5):
        world.guest.start_anew(WITH_PINGS)
    end = handler.told().index(("stop",))
    world.ready_client().leave()
    world.guest.start_anew(WITH_PINGS)
    with logged() as lines:
        client.say(Ping(b"?"))
    assert handler.told()[end + 1 :] == []
    assert len(lines.having("no enabled handler owns")) == 1
    assert_serves(world, client)


def test_a_success_in_between_begins_the_count_anew():
    handler = broken("received")
    world, client = ping_world(handler)
    for _ in range(3):
        client.say(*[Ping(b"?")] * 2)
        handler.broken.clear()
        client.say(Ping(b"?"))
        handler.broken.add("received")
    assert world.hub.features.owns(Ping.number)


def test_successes_of_other_methods_do_not_make_up_for_failures():
    handler = broken("received")
    world, client = ping_world(handler)
    for _ in range(5):
        client.say(Ping(b"?"))
        world.ready_client().leave()
    assert not world.hub.features.owns(Ping.number)


def test_nothing_is_called_after_stop():
    handler = Recorder(Ping, relayed=PINGS)
    world, client = ping_world(handler)
    world.hub.stop()
    client.leave()
    world.guest.say(Ping(b"?"))
    world.guest.leave()
    assert handler.calls[-1] == ("stop",)


def test_a_client_that_waits_for_a_withdrawn_handler_may_be_answered_in_stop():
    class Answers(Raises):
        def stop(self):
            super().stop()
            for client in self.vm.clients:
                client.send(Ping(b"never"))

    handler = Answers(Ping, relayed=PINGS, broken={"received", "dropped"})
    _, client = ping_world(handler)
    client.say(*[Ping(b"?")] * 5)
    assert Ping(b"never") in client.heard()


def test_a_handler_that_cannot_start_is_withdrawn_at_once():
    handler, other = broken("start"), Recorder(Clipboard)
    with logged() as lines:
        world, client = ping_world(handler, negotiator=None)
    assert len(criticals(lines)) == 1
    assert [call[0] for call in handler.calls] == ["start"]
    assert 40 not in world.hub.guest.offered
    assert 40 not in client.peer.offered
    client.say(Ping(b"?"))
    assert [call[0] for call in handler.calls] == ["start"]
    assert_serves(world, client)
    assert other.calls == []


def test_the_other_handlers_start_when_one_cannot():
    handlers = [Recorder(), broken("start"), Recorder()]
    World(*handlers)
    assert [handlers[0].calls, handlers[2].calls] == [[("start",)]] * 2


class BadNegotiator(CapabilitiesHandler):
    """Raises in the methods named in ``broken``."""

    def __init__(self, *names):
        self.broken = set(names)

    def _maybe(self, name):
        if name in self.broken:
            raise ValueError(SECRET)

    def start(self, vm):
        super().start(vm)
        self._maybe("start")

    def offer_to_guest(self):
        self._maybe("offer_to_guest")
        return super().offer_to_guest()

    def offer_to_client(self, client):
        self._maybe("offer_to_client")
        return super().offer_to_client(client)

    def received(self, peer, message):
        self._maybe("received")
        super().received(peer, message)

    def dropped(self, peer, message, reason):
        self._maybe("dropped")


@pytest.mark.parametrize(
    "names",
    [
        ("start",),
        ("offer_to_guest",),
        ("offer_to_client",),
        ("received", "dropped"),
        ("start", "offer_to_guest", "offer_to_client", "received", "dropped"),
    ],
)
def test_a_negotiator_that_raises_is_never_withdrawn(names):
    negotiator = BadNegotiator(*names)
    with logged() as lines:
        world = up_world(MonitorsHandler(), negotiator=negotiator)
        for _ in range(10):
            world.guest.start_anew()
            world.ready_client()
        assert not criticals(lines)
        negotiator.broken.clear()
        world.guest.leave()
        world.guest.come_up()
    assert SECRET not in lines.all_there_is
    assert negotiator in world.hub.features.handlers
    assert_serves(world, world.ready_client())


def test_an_offer_that_cannot_be_announced_harms_nobody():
    """An ANNOUNCE has room for eight words: bits up to 255."""
    handler = Recorder(Ping, provided=PINGS)
    world = World(MonitorsHandler(), handler)
    handler.provided = type(PINGS).of(300)
    world.guest.connect()
    world.guest.announce(0)
    client = world.client()
    assert world.hub.guest.up
    assert client.peer in world.hub.clients


MONITORS, DISPLAY = MonitorsConfig.number, DisplayConfig.number


def test_a_reply_goes_to_the_owner_of_what_it_answers():
    handlers = [Recorder(MonitorsConfig), Recorder(DisplayConfig), Recorder(Ping)]
    world = up_world(*handlers)
    client = world.ready_client()
    replies = [Reply(MONITORS, 1), Reply(DISPLAY, 2), Reply(Ping.number, 1)]
    for end in (world.guest, client):
        end.say(*reversed(replies))
    for handler, reply in zip(handlers, replies, strict=True):
        assert handler.told("received") == [
            ("received", world.hub.guest, reply),
            ("received", client.peer, reply),
        ]


@pytest.mark.parametrize("port", [1, 2])
def test_a_reply_to_what_nobody_owns_is_dropped_with_one_line(port):
    """H40."""
    handler = Recorder(MonitorsConfig)
    world = up_world(handler)
    client = world.ready_client()
    with logged() as lines:
        world.guest.say(*[Reply(DISPLAY, 1)] * 3, port=port)
        client.say(Reply(DISPLAY, 1), Reply(4, 1))
    assert [line["message"] for line in lines] == ["VD_AGENT_REPLY"]
    assert handler.told("received", "dropped") == []
    world.guest.say(Reply(MONITORS, 1), port=port)
    assert len(handler.told("received")) == 1


def test_a_reply_that_its_handler_could_not_take_is_dropped_by_it():
    handler = Raises(MonitorsConfig, broken={"received"})
    world = up_world(handler)
    with logged():
        world.guest.say(Reply(MONITORS, 1))
    ((_, peer, message, _),) = handler.told("dropped")
    assert (peer, message) == (world.hub.guest, Reply(MONITORS, 1))


def test_a_bad_reply_is_nobodys():
    handler = Recorder(MonitorsConfig)
    world = up_world(handler)
    client = world.ready_client()
    with logged() as lines:
        client.feed(frame(Reply.number, b"bad"))
    assert len(lines.having("bad VD_AGENT_REPLY")) == len(lines) == 1
    assert handler.told("received", "dropped") == []


def test_replies_to_a_handler_that_is_withdrawn_are_nobodys():
    handler = broken("received")
    world, client = ping_world(handler)
    with logged() as lines:
        client.say(*[Ping(b"?")] * 5)
        world.guest.say(Reply(Ping.number, 1))
    assert len(lines.having("VD_AGENT_REPLY of guest dropped")) == 1
    assert ("received", world.hub.guest, Reply(Ping.number, 1)) not in handler.calls
