from __future__ import annotations

import gc
from weakref import ref

import pytest
from twisted.internet.defer import succeed

from tests.hub.doubles import (
    PINGS,
    Ping,
    Recorder,
    World,
    logged,
    up_world,
)
from tests.hub.pings import (
    CONFIG,
    SECRET,
    WITH_PINGS,
    assert_serves,
    broken,
    ping_world,
)
from tests.wire.decoding import frame
from vdproxy.errors import RemoteProtocolError
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.hub.handler import Handler
from vdproxy.hub.isolation import isolated
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.chunk import RawMessage
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    Message,
    Reply,
)


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


def test_calls_that_were_cancelled_are_not_kept():
    """However many: a deadline may be set and taken back with each paste."""
    handler = Recorder()
    world = up_world(handler)
    clock = handler.vm.clock
    clock.callLater(60, int)

    class Waiter:
        def act(self):
            raise AssertionError("it was cancelled")

    kept = []
    for _ in range(1000):
        waiter = Waiter()
        kept.append(ref(waiter))
        clock.callLater(1, waiter.act).cancel()
    del waiter
    world.wait(2)
    gc.collect()
    assert sum(waiter() is not None for waiter in kept) < 50
    assert len(clock.getDelayedCalls()) == 1


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
    assert "not None" in lines.texts[0]
    assert len(handler.told("dropped")) == 1
    assert_serves(world, client)


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


@pytest.mark.parametrize("nonsense", [None, "text", Ping], ids=repr)
def test_a_message_class_that_makes_no_message_of_a_payload_has_failed(nonsense):
    class Nonsense(Ping):
        __slots__ = ()

        @classmethod
        def decode(cls, payload, layout):
            return nonsense

    handler = Recorder(Nonsense, relayed=PINGS)
    world, client = ping_world(handler)
    client.feed(frame(Ping.number, b"?!?"))
    ((_, _, _, reason),) = handler.told("dropped")
    assert reason == "3 bytes are no Nonsense: TypeError"
    assert_serves(world, client)


def test_what_a_message_class_says_of_a_payload_as_ours_do_is_told():
    class Strict(Ping):
        __slots__ = ()

        @classmethod
        def decode(cls, payload, layout):
            raise RemoteProtocolError(f"{len(payload)} bytes, not 4")

    handler = Recorder(Strict, relayed=PINGS)
    _, client = ping_world(handler)
    client.feed(frame(Ping.number, b"?!?"))
    ((_, _, _, reason),) = handler.told("dropped")
    assert reason == "3 bytes, not 4"


def test_an_operator_who_interrupts_a_plugin_ends_the_process():
    class Interrupted(Recorder):
        def received(self, peer, message):
            raise KeyboardInterrupt

    _, client = ping_world(Interrupted(Ping, relayed=PINGS))
    with pytest.raises(KeyboardInterrupt):
        client.say(Ping(b"?"))


def test_an_early_answer_that_cannot_be_told_harms_nobody():
    class Broken(Ping):
        def encode(self, layout):
            raise KeyError("a secret")

    handler = Recorder(Ping)
    world = World(handler)
    client, other = world.client(), world.client()
    client.peer.send(Broken(b""))
    client.peer.send(Ping(b"good"))
    other.peer.send(Clipboard(1, 1, b"x"))
    with logged() as lines:
        world.guest.come_up()
    assert world.hub.guest.up
    assert Ping(b"good") in client.heard()
    assert len(lines.having("cannot be told an early")) == 2
    assert "secret" not in lines.all_there_is


def test_a_handler_whose_calls_keep_failing_later_is_withdrawn():
    class Later(Recorder):
        def start(self, vm):
            super().start(vm)
            vm.clock.callLater(1, self.again)

        def again(self):
            self.vm.clock.callLater(1, self.again)
            raise RuntimeError

    world = up_world(Later(Ping))
    with logged() as lines:
        world.wait(10)
    assert len(lines.having("is withdrawn")) == 1
    assert not world.hub.features.owns(Ping.number)
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_a_guest_is_told_of_selections_with_by_demand_whatever_a_negotiator_says():
    """H41."""
    world = World(Recorder(relayed=Capabilities.of(5)))
    world.guest.connect()
    assert world.guest.heard() == [AnnounceCapabilities(1, (0x60,))]


def bulk(**methods):
    """Return a class of a handler's own, of which some methods are these."""
    own = {"number": 1300, "max_size": 64, "data_offset": 4, **methods}
    return type("Bulk", (Message,), own)


def read(message_class, size=8):
    codec = Codec([isolated(message_class)])
    raw = RawMessage(1, 1300, bytes(min(4, size)), bytes(max(0, size - 4)))
    return codec.decode(raw, Layout())


@pytest.mark.parametrize("way", ["decode", "decode_parts"])
def test_a_class_may_fail_in_either_way_of_reading(way):
    def fail(cls, *args):
        raise KeyError(SECRET)

    with pytest.raises(RemoteProtocolError) as raised:
        read(bulk(**{way: classmethod(fail)}))
    assert str(raised.value) == "8 bytes are no Bulk: KeyError"


@pytest.mark.parametrize("way", ["decode", "decode_parts"])
def test_a_class_that_answers_no_message_has_failed_in_either_way(way):
    def answer(cls, *args):
        return b"nothing"

    with pytest.raises(RemoteProtocolError, match="8 bytes are no Bulk: TypeError"):
        read(bulk(**{way: classmethod(answer)}))


def test_the_way_of_reading_that_is_a_classs_own_counts():
    class Whole(Clipboard):
        """Reads as a whole what its base reads in parts."""

        @classmethod
        def decode(cls, payload, layout):
            return cls(0, 1, payload[::-1])

    class Parts(Whole):
        """Reads in parts again."""

        @classmethod
        def decode_parts(cls, payload, data, layout):
            return cls(0, 2, data)

    raw = RawMessage(1, Clipboard.number, b"abcd", b"efgh")
    for message_class, kind, data in ((Whole, 1, b"hgfedcba"), (Parts, 2, b"efgh")):
        message = Codec([isolated(message_class)]).decode(raw, Layout())
        assert (message.type, message.data) == (kind, data)
