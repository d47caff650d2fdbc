"""
The peers of a model VM: its agent and its clients.

They read and write with the wire layer alone, so what the hub says to them is
what a real peer would see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock

from vdproxy.hub.client import Client
from vdproxy.hub.guest import Guest
from vdproxy.hub.hub import Hub
from vdproxy.hub.peer import Peer
from vdproxy.testing.transport import ModelTransport
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.chunk import GUEST_FRAMING, ChunkReader, CutMessage, RawMessage
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import Capability, Port
from vdproxy.wire.messages import AnnounceCapabilities, ClipboardGrab, Message

#: What spice-vdagent 0.22 announces, the agent of Linux guests.
LINUX_AGENT = Capabilities.of(
    Capability.VD_AGENT_CAP_MOUSE_STATE,
    Capability.VD_AGENT_CAP_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_REPLY,
    Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND,
    Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION,
    Capability.VD_AGENT_CAP_SPARSE_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_GUEST_LINEEND_LF,
    Capability.VD_AGENT_CAP_MAX_CLIPBOARD,
    Capability.VD_AGENT_CAP_AUDIO_VOLUME_SYNC,
    Capability.VD_AGENT_CAP_GRAPHICS_DEVICE_INFO,
    Capability.VD_AGENT_CAP_CLIPBOARD_NO_RELEASE_ON_REGRAB,
    Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL,
)

#: What vd_agent announces, the agent of Windows guests.
WINDOWS_AGENT = Capabilities.of(
    Capability.VD_AGENT_CAP_MOUSE_STATE,
    Capability.VD_AGENT_CAP_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_REPLY,
    Capability.VD_AGENT_CAP_DISPLAY_CONFIG,
    Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND,
    Capability.VD_AGENT_CAP_SPARSE_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_GUEST_LINEEND_CRLF,
    Capability.VD_AGENT_CAP_MAX_CLIPBOARD,
)

#: What spice-gtk announces, the client of remote-viewer and virt-manager.
SPICE_GTK = Capabilities.of(
    Capability.VD_AGENT_CAP_MOUSE_STATE,
    Capability.VD_AGENT_CAP_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_REPLY,
    Capability.VD_AGENT_CAP_DISPLAY_CONFIG,
    Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND,
    Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION,
    Capability.VD_AGENT_CAP_MONITORS_CONFIG_POSITION,
    Capability.VD_AGENT_CAP_FILE_XFER_DETAILED_ERRORS,
    Capability.VD_AGENT_CAP_CLIPBOARD_NO_RELEASE_ON_REGRAB,
    Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL,
)


class ModelPeer:
    """
    A peer that says what the test has it say, and answers nothing by itself.

    ``capabilities`` are what it announces, ``told`` what the hub has announced to
    it, ``transport`` its connection, and ``peer`` is what plugins see of it: the
    ``vm.guest`` or the client that their methods are given.

    GRABs bear serials where both ends announced CLIPBOARD_GRAB_SERIAL. It counts
    them itself: say a ``ClipboardGrab`` without one; what was heard has none.
    """

    peer: Peer

    def __init__(
        self, codec: Codec, capabilities: Capabilities, clock: IReactorTime
    ) -> None:
        assert isinstance(clock, Clock)
        self.codec = codec
        self._clock = clock
        self.capabilities = capabilities
        self.told = Capabilities()
        self.transport = ModelTransport()
        self._questions = 0
        self._next_serials: Counter[int] = Counter()
        self._unheard: list[Message] = []
        self._begin()

    @property
    def layout(self) -> Layout:
        """How messages look on this link."""
        return Layout.between(self.capabilities, self.told)

    def say(self, *messages: Message) -> None:
        """Have the hub read these messages; all that it has sent was read before."""
        self._catch_up()
        self.feed(self.spell(*messages))

    def heard(self) -> list[Message]:
        """Return what the hub has said since this was asked last."""
        self._catch_up()
        heard, self._unheard = self._unheard, []
        return heard

    def announce(self, request: int) -> None:
        """
        Announce ``capabilities``, which the test may have set anew.

        With *request* 1 it asks for the hub's as well. An agent that does so is a new
        one on the old connection, and so is a client that does it again.
        """
        self._catch_up()
        self._questions += request
        if request and self._questions > 1:
            self._next_serials.clear()
        self.say(AnnounceCapabilities(request, self.capabilities.to_words()))

    def negotiate(self) -> None:
        """
        Answer the hub's question; what it said up to that counts as heard.

        From a client that is due once an agent is up, and again whenever its offer
        has changed.
        """
        self.heard()
        self.announce(0)

    def feed(self, data: bytes) -> None:
        """Have the hub read these bytes as they are, part of a message or none."""
        self.peer.receive_data(data)
        if self.peer.gives_way:
            # Nobody else wants a turn.
            self._clock.advance(0)

    def spell(self, *messages: Message, port: int = Port.VDP_CLIENT_PORT) -> bytes:
        """Return these messages as this peer would send them, GRABs counted."""
        return b"".join(
            b"".join(CutMessage(m.number, self.codec.encode(m, self.layout), port))
            for m in map(self._stamped, messages)
        )

    def _begin(self) -> None:
        """Read what is written from now on as a new connection's."""
        self._reader = ChunkReader(
            GUEST_FRAMING, self.codec.limit, self.codec.data_offset
        )
        self._read_up_to = 0

    def _stamped(self, message: Message) -> Message:
        if (
            isinstance(message, ClipboardGrab)
            and message.serial is None
            and self.layout.agreed(Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL)
        ):
            message = replace(message, serial=self._next_serials[message.selection])
            self._next_serials[message.selection] += 1
        return message

    def _catch_up(self) -> None:
        for message, _ in self._arrived():
            if isinstance(message, AnnounceCapabilities) and message.request:
                self._next_serials.clear()
            if isinstance(message, ClipboardGrab) and message.serial is not None:
                self._next_serials[message.selection] = message.serial + 1
                message = replace(message, serial=None)
            self._unheard.append(message)

    def _arrived(self) -> Iterator[tuple[Message, int]]:
        """Yield the messages that have come as they are, and their ports."""
        self._reader.receive_data(bytes(self.transport.written[self._read_up_to :]))
        self._read_up_to = len(self.transport.written)
        while (raw := self._reader.next_event()) is not None:
            assert isinstance(raw, RawMessage)
            message = self.codec.decode(raw, self.layout)
            if isinstance(message, AnnounceCapabilities):
                self.told = message.capabilities
            yield message, raw.port
        assert not self._reader.unfinished, "half a message was sent"


class ModelAgent(ModelPeer):
    """The agent behind the guest's port, not there until it comes up."""

    peer: Guest

    def __init__(self, hub: Hub, codec: Codec) -> None:
        super().__init__(codec, LINUX_AGENT, hub.clock)
        self.peer = hub.guest

    def come_up(self, capabilities: Capabilities = LINUX_AGENT) -> None:
        """Connect and negotiate with these *capabilities*."""
        self.connect()
        self.capabilities = capabilities
        self.negotiate()

    def start_anew(self, capabilities: Capabilities = LINUX_AGENT) -> None:
        """Be a new agent on the old connection, as after a restart in the guest."""
        self.heard()
        self.capabilities = capabilities
        self.announce(1)
        self.negotiate()

    def leave(self, reason: str = "gone") -> None:
        """End the connection, *reason* in the log."""
        self.transport.losing = True
        self.peer.disconnected(reason)

    def connect(
        self,
        transport: ModelTransport | None = None,
        untaken: Callable[[], int] | None = None,
    ) -> None:
        """
        Connect the guest's port and say nothing: no agent listens yet.

        *untaken* is what a kernel would say that it keeps of what the hub has sent.
        """
        self.transport = transport or ModelTransport()
        self._begin()
        self.peer.connected(self.transport, untaken)


class ModelClient(ModelPeer):
    """
    A client, connected by its making.

    :raises Refused: the hub has no place for it.
    """

    peer: Client

    def __init__(
        self,
        hub: Hub,
        codec: Codec,
        capabilities: Capabilities,
        *,
        name: str = "",
        frontend: str = "vdi",
        uid: int | None = 1000,
        transport: ModelTransport | None = None,
    ) -> None:
        super().__init__(codec, capabilities, hub.clock)
        self.transport = transport or ModelTransport()
        self.peer = hub.attach(self.transport, frontend, name, uid)

    def leave(self, reason: str = "gone") -> None:
        """End the connection, *reason* in the log."""
        self.transport.losing = True
        if self.transport.producer is not None:
            self.transport.producer.stopProducing()
        self.peer.disconnected(reason)
