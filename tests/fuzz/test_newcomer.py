"""Whatever peers send, a newcomer is served, by a third party's handler too."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.examples import fuzzed
from tests.hub.doubles import FakeTransport, Ping, Relay, World, logged
from tests.link.frames import LINUX, WINDOWS, announce
from tests.wire.strategies import broken_streams
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    FileXferStart,
)

_announcements = st.builds(
    announce, st.integers(0, 2), st.sampled_from([0, LINUX, WINDOWS, 2**32 - 1])
)
_streams = st.one_of(_announcements, broken_streams, st.binary(max_size=200))
_who = st.integers(0, 3)

#: What happens in turn: bytes of somebody, or something about a connection.
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("bytes"), _who, _streams),
        st.tuples(st.just("bytes"), st.just(0), _announcements),
        st.tuples(
            st.sampled_from(["leave", "fill", "drain", "wait", "come"]),
            _who,
            st.just(b""),
        ),
    ),
    max_size=14,
)


def make_world(tracing):
    relay = Relay(
        Ping,
        Clipboard,
        ClipboardGrab,
        ClipboardRequest,
        ClipboardRelease,
        FileXferStart,
        relayed=Capabilities.of(5, 6, 17),
    )
    return World(relay, MonitorsHandler(), tracing=tracing)


class Crowd:
    """A guest and three clients, of whom each may be there or not."""

    def __init__(self, world):
        self.world = world
        self.ends = [world.guest, None, None, None]
        self.connected = [False] * 4

    def come(self, who):
        if self.connected[who]:
            return
        self.connected[who] = True
        if who:
            self.ends[who] = self.world.client()
        else:
            self.world.guest.connect(FakeTransport())

    def step(self, what, who, data):
        if what == "wait":
            self.world.wait(1.5)
        elif what == "come":
            self.come(who)
        elif not self.connected[who]:
            return
        elif what == "bytes":
            self.ends[who].feed(data)
        elif what == "leave":
            self.connected[who] = False
            self.ends[who].leave()
        elif what == "fill":
            self.ends[who].transport.fill()
        else:
            self.ends[who].transport.drain()


@fuzzed(300, steps=_steps, tracing=st.booleans())
def test_nothing_is_raised_and_a_newcomer_is_served(steps, tracing):
    world = make_world(tracing)
    crowd = Crowd(world)
    for who in range(4):
        crowd.come(who)
    with logged() as lines:
        for step in steps:
            crowd.step(*step)
    assert not lines.having("is withdrawn")
    if crowd.connected[0]:
        world.guest.leave()
    world.guest.come_up()
    client = world.ready_client()
    client.say(Ping(b"?"))
    assert Ping(b"?") in world.guest.heard()
    world.guest.say(Ping(b"!"))
    assert client.heard() == [Ping(b"!")]
    world.guest.leave()
    fired = []
    world.hub.stop().addCallback(fired.append)
    for end in [client, *crowd.ends[1:]]:
        if end.peer in world.hub.clients:
            end.leave()
    assert fired == [None]
    assert world.clock.getDelayedCalls() == []


@fuzzed(200, streams=st.lists(broken_streams, max_size=4))
def test_an_agent_that_was_out_of_step_comes_up_on_the_same_connection(streams):
    world = make_world(tracing=False)
    world.guest.come_up()
    for stream in streams:
        world.guest.feed(stream)
    world.guest.feed(b"\xff" * 400)
    for _ in range(2):
        world.guest.feed(announce(1, LINUX))
        world.wait(3)
        world.guest.feed(announce(0, LINUX))
        world.wait(3)
    assert world.hub.guest.up
