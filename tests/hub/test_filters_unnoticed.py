"""Filters that let everything pass are noticed by nobody, however they do it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import succeed
from twisted.internet.task import deferLater

from vdproxy.hub.filter import Filter
from vdproxy.testing import ModelVM
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import (
    AudioVolumeSync,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    GraphicsDeviceInfo,
    MaxClipboard,
    MonConfig,
    MonitorsConfig,
    MouseState,
    Reply,
)

EVERYTHING = Capabilities.of(*range(18)) - Capabilities.of(13)

#: Seconds between two messages. No few of them come near to any time limit, so that
#: it does not matter whether one comes a moment later.
PAUSE = 0.77

#: Seconds after a message in which slow filters come to all their verdicts, and the
#: steps in which they pass.
MOMENT = 0.1
STEP = 0.005


async def in_a_coroutine():
    return None


class Passing(Filter):
    """Lets everything pass in the ways of *manner*, one after the other."""

    def __init__(self, manner):
        self._manner = manner
        self._asked = 0

    def start(self, vm):
        self._clock = vm.clock

    def incoming(self, peer, message):
        return self._pass()

    def outgoing(self, peer, message):
        return self._pass()

    def _pass(self):
        how = self._manner[self._asked % len(self._manner)]
        self._asked += 1
        if how == "at once":
            return None
        if how == "fired":
            return succeed(None)
        if how == "coroutine":
            return in_a_coroutine()
        return deferLater(self._clock, how, lambda: None)


small = st.integers(0, 2)
types = st.lists(st.integers(1, 3), min_size=1, max_size=2, unique=True).map(tuple)

clipboard = st.one_of(
    st.builds(ClipboardGrab, st.just(0), types),
    st.builds(ClipboardRelease, st.just(0)),
    st.builds(ClipboardRequest, st.just(0), st.integers(1, 3)),
    st.builds(Clipboard, st.just(0), st.integers(0, 3), st.binary(max_size=3)),
)
from_clients = st.one_of(
    clipboard,
    st.builds(MaxClipboard, st.integers(0, 2)),
    st.builds(MouseState, small, small, st.sampled_from([0, 2, 4]), st.just(0)),
    st.builds(lambda w: MonitorsConfig(0, (MonConfig(w, 600),)), st.integers(1, 9)),
    st.builds(FileXferStart, small, st.sampled_from(["a", "b/c"]), small),
    st.builds(FileXferData, small, st.binary(max_size=2)),
    st.builds(FileXferStatus, small, st.integers(0, 3)),
    st.builds(AudioVolumeSync, st.booleans(), st.booleans(), st.just((1,))),
    st.just(GraphicsDeviceInfo(())),
)
from_agents = st.one_of(
    clipboard,
    st.builds(Reply, st.just(2), st.integers(1, 2)),
    st.builds(FileXferStatus, st.integers(1, 3), st.integers(0, 3)),
)
scripts = st.lists(
    st.one_of(
        st.tuples(st.just("agent"), from_agents),
        st.tuples(st.sampled_from([0, 1]), from_clients),
    ),
    max_size=12,
)

at_once = st.lists(
    st.sampled_from(["at once", "fired", "coroutine"]), min_size=1, max_size=5
)
late = st.lists(
    st.sampled_from(["at once", "fired", "coroutine", 0.0, STEP / 2, STEP]),
    min_size=1,
    max_size=5,
)


def let_pass(vm, seconds):
    """Let time pass, the first moment of it in small steps."""
    if seconds:
        for _ in range(int(MOMENT / STEP)):
            vm.clock.advance(STEP)
        vm.advance(seconds - MOMENT)


def play(script, pause, *filters):
    """Return what each end hears of what the agent and two clients say."""
    vm = ModelVM(filters=filters)
    vm.agent.connect()
    vm.agent.capabilities = EVERYTHING
    vm.advance(PAUSE)
    vm.agent.negotiate()
    vm.advance(PAUSE)
    clients = [vm.client(EVERYTHING, negotiated=False) for _ in range(2)]
    vm.advance(PAUSE)
    for client in clients:
        client.negotiate()
    vm.advance(PAUSE)
    for who, message in script:
        (vm.agent if who == "agent" else clients[who]).say(message)
        let_pass(vm, pause)
    vm.advance(20)
    return [end.heard() for end in (vm.agent, *clients)]


@given(
    scripts, st.lists(at_once, min_size=1, max_size=3), st.sampled_from([0.0, PAUSE])
)
@settings(deadline=None, max_examples=60)
def test_filters_that_pass_everything_at_once_are_noticed_by_nobody(
    script, manners, pause
):
    filters = [Passing(manner) for manner in manners]
    assert play(script, pause, *filters) == play(script, pause)


@given(scripts, st.lists(late, min_size=1, max_size=2))
@settings(deadline=None, max_examples=60)
def test_filters_that_pass_everything_in_time_are_noticed_by_nobody(script, manners):
    filters = [Passing(manner) for manner in manners]
    assert play(script, PAUSE, *filters) == play(script, PAUSE)
