"""The agent's role towards one client."""

from __future__ import annotations

from collections import deque

from vdproxy.link.events import (
    ClientReady,
    ClientRenewed,
    Discarded,
    Malformed,
    MessageReceived,
)
from vdproxy.link.link import Link
from vdproxy.link.serials import GrabSerials
from vdproxy.wire.assembly import Assembling
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.chunk import (
    CLIENT_FRAMING,
    ChunkHeader,
    ChunkReader,
    CutMessage,
    RawMessage,
)
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import MessageType, Port
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    ClientDisconnected,
    Message,
    Reply,
)

#: What a client does.
ClientEvent = Message | ClientReady | ClientRenewed | Malformed | Discarded

#: What only a trace is told.
Header = ChunkHeader | MessageReceived


#: Replies outstanding of one type whose ports are remembered.
_MAX_REPLIES = 64


class ClientLink(Link):
    """
    What a guest's agent would be on one client's socket.

    We speak first, once there is something to offer, and then again only when
    the offer changes; a client's question that came before is answered after
    that. A client may announce itself by asking, by answering, or both. One that
    says CLIENT_DISCONNECTED has begun anew, as one that asks a second time.
    """

    def __init__(self, codec: Codec, *, report_headers: bool = False) -> None:
        super().__init__(codec, GrabSerials(is_agent=True))
        self._report_headers = report_headers
        self._reader = ChunkReader(
            CLIENT_FRAMING, codec.limit, codec.data_offset, report_chunks=report_headers
        )
        self._events: list[ClientEvent | Header] = []
        self._requests = 0
        self._unanswered: int | None = None
        self._reply_ports: dict[int, deque[int]] = {
            number: deque(maxlen=_MAX_REPLIES)
            for number in (
                MessageType.VD_AGENT_MONITORS_CONFIG,
                MessageType.VD_AGENT_DISPLAY_CONFIG,
            )
        }
        self._layout_in = Layout()
        self._reoffered = False

    @property
    def ready(self) -> bool:
        """Whether both ends have announced themselves."""
        return self.offered is not None and self.announced is not None

    @property
    def assembling(self) -> Assembling | None:
        """The message that is coming in, if one is."""
        return self._reader.assembling

    @property
    def held(self) -> int:
        """Bytes that are kept of what has come."""
        return self._reader.held

    def offer(self, capabilities: Capabilities) -> None:
        """Announce *capabilities*, unless that is what the client was told last."""
        if capabilities == self.offered:
            return
        was_ready = self.ready
        self.offered = capabilities
        self._announce(1, capabilities)
        self._layout = Layout.between(capabilities, self.announced)
        if was_ready:
            # Until the client answers, what it sends is in the layout it knew.
            self._serials.announced()
            self._reoffered = True
            return
        self._layout_in = self._layout
        if self._unanswered is not None:
            self._announce(0, capabilities, self._unanswered)
            self._unanswered = None
        if self.ready:
            self._events.append(ClientReady())

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes from the client."""
        self._reader.receive_data(data)

    def next_event(self) -> ClientEvent | Header | None:
        """
        Return what the client did next, or None until more bytes are there.

        :raises RemoteProtocolError: the framing is broken; the link is of no
            further use.
        """
        while not self._events:
            event = self._reader.next_event()
            if event is None:
                return None
            if isinstance(event, RawMessage):
                self._receive(event)
            else:
                assert isinstance(event, ChunkHeader)  # CLIENT_FRAMING skips nothing.
                self._events.append(event)
        return self._events.pop(0)

    def encode(self, message: Message) -> CutMessage:
        """
        Return a message cut into chunks for the client.

        A REPLY goes out on the port that asked, as an agent's does.

        :raises LocalProtocolError: the message cannot be told to this client.
        """
        port: int = Port.VDP_CLIENT_PORT
        if isinstance(message, Reply) and self._reply_ports.get(message.type):
            port = self._reply_ports[message.type].popleft()
        return self._encode(message, self._layout, port)

    def _receive(self, raw: RawMessage) -> None:
        if self._report_headers:
            self._events.append(MessageReceived(raw.number, raw.payload_size))
        message = self._decode(raw, self._layout_in)
        if raw.number in self._reply_ports:
            self._reply_ports[raw.number].append(raw.port)
        if isinstance(message, AnnounceCapabilities):
            self._receive_announce(message, raw.port)
        elif isinstance(message, ClientDisconnected):
            if self.ready:
                self._forget_reply_ports()
                self._events += [ClientRenewed(), ClientReady()]
        else:
            self._events.append(message)

    def _forget_reply_ports(self) -> None:
        for ports in self._reply_ports.values():
            ports.clear()

    def _receive_announce(self, message: AnnounceCapabilities, port: int) -> None:
        was_ready = self.ready
        self.announced = message.capabilities
        self._layout_in = self._layout = Layout.between(self.offered, self.announced)
        self._events.append(message)
        renewed = False
        if message.request:
            self._requests += 1
            renewed = was_ready and self._requests > 1
            if self.offered is None:
                self._unanswered = port
            else:
                self._announce(0, self.offered, port)
        else:
            self._serials.answered()
        if renewed:
            self._serials.zero()
            self._forget_reply_ports()
            self._events.append(ClientRenewed())
        if self.ready and (renewed or self._reoffered or not was_ready):
            self._reoffered = False
            self._events.append(ClientReady())
