from __future__ import annotations

import pytest
from twisted.internet.defer import succeed
from twisted.logger import LogLevel

from tests.hub.doubles import (
    PINGS,
    Lines,
    Ping,
    Raises,
    Recorder,
    World,
    logged,
    up_world,
)
from tests.link.frames import LINUX
from tests.wire.decoding import frame
from vdproxy.handlers.capabilities import CapabilitiesHandler
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.hub.handler import Handler
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    MonConfig,
    MonitorsConfig,
    Reply,
)

CONFIG = MonitorsConfig(0, (MonConfig(800, 600),))
SECRET = "hunter2"
WITH_PINGS = LINUX | PINGS.bits


def broken(*names, **options):
    """Return a handler for pings that raises in these methods."""
    return Raises(
        Ping, broken=names, relayed=PINGS, error=ValueError(SECRET), **options
    )


def assert_serves(world, client):
    """Check that a client's MONITORS_CONFIG is answered as it should be."""
    client.heard()
    world.guest.heard()
    client.say(CONFIG)
    assert world.guest.heard() == [CONFIG]
    world.guest.say(Reply(2, 1))
    assert client.heard() == [Reply(2, 1)]


def ping_world(handler, **options):
    """Return a world with monitors as well, and a client; both know pings."""
    world = World(handler, MonitorsHandler(), **options)
    world.guest.come_up(WITH_PINGS)
    return world, world.ready_client(WITH_PINGS)


def criticals(lines):
    return Lines(e for e in lines if e["log_level"] is LogLevel.critical)


def test_a_handler_that_raises_harms_nobody_else():
    handler, other = broken("received"), Recorder(Clipboard)
    world = World(handler, other, MonitorsHandler())
    world.guest.come_up(WITH_PINGS)
    client, bystander = world.ready_client(WITH_PINGS), world.ready_client()
    with logged() as lines:
        client.say(Ping(b"?"), CONFIG, Clipboard(0, 1, b""))
    assert len(lines) == 1
    assert lines[0]["handler"] == "Raises"
    assert "ValueError" in lines.texts[0]
    assert len(other.told("received")) == 1
    assert world.guest.heard() == [CONFIG]
    world.guest.say(Reply(2, 1))
    assert client.heard() == [Reply(2, 1)]
    assert not client.transport.losing
    assert_serves(world, bystander)


def test_a_handler_that_could_not_take_a_message_is_told_to_answer_it():
    handler = broken("received")
    _, client = ping_world(handler)
    client.say(Ping(b"?"))
    ((_, peer, message, reason),) = handler.told("dropped")
    assert peer is client.peer
    assert message == Ping(b"?")
    assert SECRET not in reason


@pytest.mark.parametrize(
    "name", ["guest_up", "guest_lost", "client_ready", "client_left", "stop", "dropped"]
)
def test_a_handler_may_raise_in_every_method(name):
    handler, other = broken(name), Recorder()
    world = World(handler, other, MonitorsHandler())
    world.guest.come_up(WITH_PINGS)
    world.guest.start_anew(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    gone = world.ready_client()
    gone.leave()
    client.feed(
        b"\1\0\0\0\x17\0\0\0\1\0\0\0" + b"\xc8\0\0\0" + bytes(8) + b"\3\0\0\0bad"
    )
    assert_serves(world, client)
    world.hub.stop()
    client.leave()
    assert len(handler.told(name)) in {1, 2}
    assert [call[0] for call in other.calls] == [
        "start",
        "guest_up",
        "guest_lost",
        "guest_up",
        "client_ready",
        "client_ready",
        "client_left",
        "stop",
    ]


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


def test_what_a_handler_calls_later_is_isolated_like_the_rest():
    handler = Recorder()
    world = up_world(handler, MonitorsHandler())

    def fail(text):
        raise ValueError(text)

    with logged() as lines:
        handler.vm.clock.callLater(1, fail, SECRET)
        world.wait(2)
    assert len(lines) == 1
    assert "ValueError in fail" in lines.texts[0]
    assert SECRET not in lines.all_there_is
    assert_serves(world, world.ready_client())


def test_what_a_handler_calls_later_is_not_called_once_it_has_stopped():
    handler = Recorder()
    world = up_world(handler)
    clock, called = handler.vm.clock, []
    clock.callLater(1, called.append, "soon")
    clock.callLater(3, called.append, "late")
    assert len(clock.getDelayedCalls()) == 2
    world.wait(2)
    assert clock.seconds() == world.clock.seconds()
    assert len(clock.getDelayedCalls()) == 1
    world.hub.stop()
    world.wait(2)
    assert called == ["soon"]


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


@pytest.mark.parametrize("answer", [True, 0, succeed(None)], ids=str)
def test_a_method_that_answers_something_has_failed(answer):
    class Answers(Recorder):
        def received(self, peer, message):
            super().received(peer, message)
            return answer

    handler = Answers(Ping, relayed=PINGS)
    world, client = ping_world(handler)
    with logged() as lines:
        client.say(Ping(b"?"))
    assert "TypeError" in lines.texts[0]
    assert len(handler.told("dropped")) == 1
    assert_serves(world, client)


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


def chained():
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        raise RuntimeError(SECRET + SECRET) from error


def undecodable():
    (SECRET.encode() + b"\xff").decode("ascii")


class Speaks(Exception):
    def __repr__(self):
        return SECRET

    __str__ = __repr__


def speaking():
    raise Speaks(SECRET)


def silent():
    raise type("Unprintable", (Exception,), {"__str__": lambda self: 1 // 0})


@pytest.mark.parametrize("fail", [chained, undecodable, speaking, silent])
def test_what_an_exception_says_is_never_logged(fail):
    class Fails(Recorder):
        def received(self, peer, message):
            fail()

        dropped = guest_lost = guest_up = lambda self, *args: fail()

    with logged() as lines:
        world, client = ping_world(Fails(Ping, relayed=PINGS))
        client.say(*[Ping(SECRET.encode())] * 6)
        world.guest.start_anew()
    assert lines.having("handler Fails failed")
    assert SECRET not in lines.all_there_is
    assert_serves(world, client)


class Careless(Ping):
    """Like many a first attempt at a decoder: takes it that a byte is there."""

    __slots__ = ()

    @classmethod
    def decode(cls, payload, layout):
        return cls(payload[: payload[0]])


def test_a_message_class_that_raises_harms_nobody():
    handler = Recorder(Careless)
    world = World(handler, MonitorsHandler())
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    empty = frame(Careless.number)
    with logged() as lines:
        client.feed(empty)
        world.guest.feed(empty)
    assert handler.told("received") == []
    assert len(lines) == 2
    assert_serves(world, client)


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


def test_a_handler_that_only_derives_from_handler_works():
    world = up_world(Handler(), MonitorsHandler())
    assert_serves(world, world.ready_client())


@pytest.mark.parametrize(
    "failure",
    [RuntimeError, AssertionError, KeyError, OSError, type("Own", (Exception,), {})],
    ids=lambda failure: failure.__name__,
)
@pytest.mark.parametrize("end", ["client", "guest"])
def test_however_a_message_class_fails_it_is_a_bad_payload_and_no_more(failure, end):
    class Failing(Ping):
        __slots__ = ()

        @classmethod
        def decode(cls, payload, layout):
            raise failure(SECRET)

    handler = Recorder(Failing, relayed=PINGS)
    world = World(handler, MonitorsHandler())
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    sender = client if end == "client" else world.guest
    with logged() as lines:
        sender.feed(frame(Ping.number, b"?!?"))
    ((_, peer, message, reason),) = handler.told("dropped")
    assert (peer, message.payload) == (sender.peer, b"?!?")
    assert reason == f"3 bytes are no Failing: {failure.__name__}"
    assert len(lines) == 1
    assert SECRET not in lines.all_there_is
    assert_serves(world, client)
