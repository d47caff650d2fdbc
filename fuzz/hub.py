"""
A whole VM: a guest and clients that say anything, and one client that behaves.

The first bytes of an input say which filters there are and who is hostile; then
come the steps: somebody says something, comes, leaves, reads nothing, or time
passes. Whatever it was, the client that behaves keeps its connection, and in the
end it and an agent that behaves paste what the other has copied.
"""

from __future__ import annotations

from twisted.internet.task import deferLater
from twisted.logger import LogEvent, LogLevel

from fuzz.speech import Input, announcement, speech
from vdproxy.api import VM, Drop, Filter, Message, Peer, Replace, Verdict
from vdproxy.filters.audit import AuditFilter
from vdproxy.filters.audit import Options as AuditOptions
from vdproxy.filters.policy import Options, PolicyFilter
from vdproxy.makers import NoOptions
from vdproxy.testing import (
    LINUX_AGENT,
    Installed,
    LoggedEvents,
    ModelAgent,
    ModelClient,
    ModelPeer,
    ModelTransport,
    ModelVM,
    logged,
)
from vdproxy.wire.capabilities import Layout
from vdproxy.wire.chunk import CLIENT_FRAMING, ChunkReader
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import Capability
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
)

_HOSTILE = "hostile"
_MAX_HOSTILE = 4

#: Seconds after which all that was waited for has come or been given up.
_ALL_WAITS = 6.0

_TEXT = 1


def _let_pass() -> Drop | Replace | None:
    return None


class Slow(Filter):
    """Lets everything pass, after a moment."""

    def start(self, vm: VM) -> None:
        self._clock = vm.clock

    def incoming(self, peer: Peer, message: Message) -> Verdict:
        return deferLater(self._clock, 0.05, _let_pass)

    def outgoing(self, peer: Peer, message: Message) -> Verdict:
        return self.incoming(peer, message)


def _filters(which: int) -> list[Installed[Filter]]:
    """Return filters that let the client that behaves do everything."""
    strict = Options(clipboard="to-guest", clipboard_types=("text",), files=False)
    policy = Installed[Filter](
        "policy", PolicyFilter(), Options(), {("vdi", _HOSTILE): strict}, closed=True
    )
    audit = Installed[Filter]("audit", AuditFilter(), AuditOptions())
    slow = Installed[Filter]("slow", Slow(), NoOptions())
    return [[], [policy, audit], [slow], [audit, slow, policy]][which]


def check(data: bytes) -> None:
    """Check what becomes of an input."""
    given = Input(data)
    with logged() as lines:
        scene = Scene(given)
        while given.left:
            scene.step()
        scene.settle()
        scene.check_pasting()
        scene.end()
    faults = LoggedEvents(line for line in lines if _is_fault(line))
    assert not faults, faults.texts


def _is_fault(line: LogEvent) -> bool:
    """Tell whether a line says that something of vdproxy's own went wrong."""
    return (
        "log_failure" in line
        or line["log_level"] > LogLevel.warn
        or " failed" in line["log_format"]
    )


class Scene:
    """The peers of one VM, and what they do."""

    def __init__(self, given: Input) -> None:
        self._given = given
        self._vm = ModelVM(
            filters=_filters(given.number(4)),
            max_message=given.one_of((1000, 2**20)),
            tracing=bool(given.number(2)),
        )
        self._guest_is_hostile = bool(given.number(2))
        self._agent = Agent(self._vm.hub, self._vm.codec)
        self._guest = self._vm.hub.guest
        self._agent.connect()
        self._vm.advance(1)
        self._agent.negotiate()
        self._vm.advance(1)
        self._client = self._vm.client(negotiated=False)
        self._hostile = [self._come(), self._come()]
        self._vm.advance(1)
        self._client.negotiate()
        self._vm.advance(1)

    def _come(self) -> ModelClient:
        return self._vm.client(name=_HOSTILE, negotiated=False)

    def step(self) -> None:
        """Have the next thing happen."""
        given = self._given
        kind = given.number(16)
        if kind < 7:
            self._hostile_says()
        elif kind < 11 and self._guest_is_hostile:
            self._guest_says()
        elif kind == 11:
            self._client_behaves()
        elif kind == 12:
            self._comes_or_leaves()
        elif kind == 13:
            everybody = [self._agent, *self._hostile]
            transport = given.one_of(everybody).transport
            given.one_of((transport.fill, transport.drain))()
        else:
            self._vm.advance(given.one_of((0.0, 0.1, 0.6, 1.1, 2.6, 5.1, 31.0)))
            self._bury()

    def _hostile_says(self) -> None:
        if self._hostile:
            one = self._given.one_of(self._hostile)
            self._say(one)

    def _guest_says(self) -> None:
        if self._guest.state != "down":
            self._say(self._agent)

    def _say(self, one: ModelPeer) -> None:
        """Have one say something, if it is heard."""
        if one.transport.reading:
            one.feed(speech(self._given, _layout(one)))

    def _answer_offers(self) -> None:
        """Have the client that behaves answer each offer, as they all do."""
        for heard in self._client.heard():
            if isinstance(heard, AnnounceCapabilities) and heard.request:
                self._client.announce(0)

    def _client_behaves(self) -> None:
        self._answer_offers()
        if _layout(self._client).agreed(Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND):
            self._client.say(
                self._given.one_of(
                    (
                        ClipboardGrab(0, (_TEXT,)),
                        ClipboardRequest(0, _TEXT),
                        Clipboard(0, _TEXT, b"copied"),
                        ClipboardRelease(0),
                    )
                )
            )

    def _comes_or_leaves(self) -> None:
        given = self._given
        kind = given.number(4)
        if kind == 0 and self._guest_is_hostile:
            if self._guest.state == "down":
                self._agent.connect()
            else:
                self._agent.leave()
        elif kind == 1 and self._hostile:
            given.one_of(self._hostile).leave()
            self._bury()
        elif len(self._hostile) < _MAX_HOSTILE:
            self._hostile.append(self._come())

    def _bury(self) -> None:
        """Have the connections end that the hub has ended."""
        for one in list(self._hostile):
            transport = one.transport
            if transport.losing or transport.aborted:
                self._hostile.remove(one)
                if one.peer in self._vm.hub.clients:
                    one.leave()
        if self._agent.transport.aborted and self._guest.state != "down":
            self._agent.leave()

    def settle(self) -> None:
        """Have everybody read, and an agent that behaves come up."""
        for one in (self._agent, *self._hostile):
            one.transport.drain()
        self._vm.advance(_ALL_WAITS)
        self._bury()
        for one in self._hostile:
            _check_whole(one.transport)
        if self._guest_is_hostile or self._guest.state == "down":
            if self._guest.state == "down":
                self._agent.connect()
                self._vm.advance(1)
            self._agent.begin()
            self._vm.advance(3)
            for _ in range(2):
                self._agent.answer()
                self._vm.advance(3)
        assert self._guest.up, "the agent is not up"
        self._vm.advance(_ALL_WAITS)

    def check_pasting(self) -> None:
        """Check that the agent and the client that behaves serve each other."""
        self._answer_offers()
        self._vm.advance(1)
        assert self._client.peer in self._vm.hub.clients
        self._check_paste(self._agent, self._client, b"of the guest")
        self._check_paste(self._client, self._agent, b"of the client")
        assert not self._client.transport.losing
        assert not self._client.transport.aborted

    def _check_paste(self, owner: ModelPeer, other: ModelPeer, text: bytes) -> None:
        grab, request = ClipboardGrab(0, (_TEXT,)), ClipboardRequest(0, _TEXT)
        for speaker, said, hearer in (
            (owner, grab, other),
            (other, request, owner),
            (owner, Clipboard(0, _TEXT, text), other),
        ):
            hearer.heard()
            speaker.say(said)
            self._vm.advance(1)
            heard = hearer.heard()
            assert said in heard, f"{said} is not heard, but {heard}"

    def end(self) -> None:
        """Have everybody leave; nothing is left to wait for."""
        for client in (*self._hostile, self._client):
            client.leave()
        self._agent.leave()
        self._vm.hub.stop()
        self._vm.advance(1)
        assert not self._vm.clock.getDelayedCalls()


class Agent(ModelAgent):
    """An agent that may be another one than before on the same connection."""

    def begin(self) -> None:
        """Be a new agent: announce itself, and know nothing of what was before."""
        self._begin()
        self._read_up_to = len(self.transport.written)
        self._next_serials.clear()
        self.capabilities = LINUX_AGENT
        self.feed(announcement(1, LINUX_AGENT))

    def answer(self) -> None:
        """Answer the hub's question, which may have come before its beginning."""
        self.announce(0)


def _layout(one: ModelPeer) -> Layout:
    """Return the layout of a peer's link as the hub knows it."""
    return Layout.between(one.peer.offered, one.peer.announced)


def _check_whole(transport: ModelTransport) -> None:
    """Check that a peer was sent whole messages, if its connection was not ended."""
    if transport.losing or transport.aborted:
        return
    codec = Codec()
    reader = ChunkReader(CLIENT_FRAMING, codec.limit, codec.data_offset)
    reader.receive_data(bytes(transport.written))
    while reader.next_event() is not None:
        pass
    assert not reader.unfinished, "half a message was sent"
