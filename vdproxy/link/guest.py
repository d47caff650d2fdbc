"""
The client's role towards a guest's agent.

QEMU's chardev socket shows nothing of the port behind it: an agent may be gone,
replaced, or not there yet, and a new connection may begin in the middle of a
message of megabytes. So nothing counts but the handshake, and the handshake is
looked for in the bytes themselves.
"""

from __future__ import annotations

import re
from collections import deque

from vdproxy.errors import LocalProtocolError, RemoteProtocolError
from vdproxy.link.events import (
    AgentLost,
    AgentUp,
    Discarded,
    Malformed,
    MessageReceived,
)
from vdproxy.link.link import Link
from vdproxy.link.serials import GrabSerials
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.chunk import (
    CHUNK_HEADER,
    GUEST_FRAMING,
    MESSAGE_HEADER,
    Assembling,
    ChunkHeader,
    ChunkReader,
    CutMessage,
    RawMessage,
    SkippedMessage,
)
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import (
    MAX_CAPABILITY_WORDS,
    VD_AGENT_PROTOCOL,
    Capability,
    MessageType,
    Port,
)
from vdproxy.wire.messages import AnnounceCapabilities, Message

GuestEvent = (
    Message
    | AgentUp
    | AgentLost
    | Malformed
    | Discarded
    | SkippedMessage
    | ChunkHeader
    | MessageReceived
)


_ANNOUNCE = MessageType.VD_AGENT_ANNOUNCE_CAPABILITIES


def _mark(words: int) -> bytes:
    """Return the pattern of an ANNOUNCE in one chunk with this many words."""
    payload = 4 + 4 * words
    message = MESSAGE_HEADER.pack(VD_AGENT_PROTOCOL, _ANNOUNCE, 0, payload)
    size = CHUNK_HEADER.pack(0, len(message) + payload)[4:]
    return (
        rb"[\x00-\x02]\x00\x00\x00"
        + re.escape(size + message)
        + rb"[\x00\x01]\x00\x00\x00"
        + rb".{%d}" % (4 * words)
    )


#: An ANNOUNCE as every known agent sends it: whole, in a chunk of its own.
_MARK = re.compile(
    b"|".join(_mark(words) for words in range(MAX_CAPABILITY_WORDS + 1)), re.DOTALL
)
_LONGEST_MARK = CHUNK_HEADER.size + MESSAGE_HEADER.size + AnnounceCapabilities.max_size

#: How much of the stream is kept to look for a mark in, bytes. An agent that
#: has announced itself waits for the answer, so its mark is among the last.
_RECENT = 512


class GuestLink(Link):
    """
    What a SPICE client would be on one connection to a guest's port.

    Until the agent has answered our question, everything but announcements is
    dropped and nothing but the question is sent. ``synced`` is true from that
    answer to the next sign that the agent is another one.
    """

    def __init__(
        self, codec: Codec, offer: Capabilities, *, report_headers: bool = False
    ) -> None:
        """
        Begin a connection with our question.

        :raises LocalProtocolError: *offer* has CLIPBOARD_BY_DEMAND without
            CLIPBOARD_SELECTION, on which spice-vdagentd hangs for good.
        """
        super().__init__(codec, GrabSerials(is_agent=False))
        if (
            Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND in offer
            and Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION not in offer
        ):
            raise LocalProtocolError(
                "CLIPBOARD_BY_DEMAND cannot be announced without CLIPBOARD_SELECTION"
            )
        self.synced = False
        self._offer = offer
        self._report_headers = report_headers
        self._events: deque[GuestEvent] = deque()
        self._reader: ChunkReader | None = self._new_reader(0)
        self._recent = b""
        self._received = 0
        self._announced_up_to = 0
        self._ask()

    @property
    def assembling(self) -> Assembling | None:
        """The message that is coming in, if one is."""
        return self._reader.assembling if self._reader else None

    @property
    def unfinished(self) -> bool:
        """Whether the last bytes received are the beginning of something."""
        return self._reader is not None and self._reader.unfinished

    @property
    def unanswered(self) -> bool:
        """Whether our question waits though the guest has spoken since."""
        return self._asking and self._heard

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes from the guest."""
        self._heard = True
        before = self._recent[-_LONGEST_MARK + 1 :]
        self._received += len(data)
        if len(data) >= _RECENT:
            self._recent = data
        else:
            self._recent = (self._recent + data)[-_RECENT:]
        if not self.synced and self._restart_at_mark(before + data):
            return
        if self._reader is not None:
            self._reader.receive_data(data)

    def next_event(self) -> GuestEvent | None:
        """Return what the guest did next, or None until more bytes are there."""
        while not self._events:
            if self._reader is None:
                return None
            try:
                event = self._reader.next_event()
            except RemoteProtocolError as error:
                self._resynchronise(str(error))
                continue
            if event is None:
                return None
            if isinstance(event, RawMessage):
                if self.synced and self._restart_astride(event, self._reader.offset):
                    self._lose("a new agent announced itself inside a message")
                else:
                    self._receive(event, self._reader.offset)
            elif self.synced or isinstance(event, ChunkHeader):
                self._events.append(event)
        return self._events.popleft()

    def encode(self, message: Message) -> CutMessage:
        """
        Return a message cut into chunks for the agent.

        :raises LocalProtocolError: there is no handshake, or the message cannot
            be told to this agent.
        """
        if not self.synced:
            raise LocalProtocolError("no agent has answered yet")
        return self._encode(message, self._layout, Port.VDP_CLIENT_PORT)

    def quiet(self) -> None:
        """
        Say that the guest has been silent for a second with a message unfinished.

        If a new agent's announcement is among what was taken for the rest of
        that message, the old agent is gone and the new one waits for us.
        """
        if self.unfinished and self._restart_at_mark(self._recent):
            self._lose("a new agent announced itself inside an unfinished message")

    def ask_again(self) -> None:
        """Repeat a question that has had no answer, once a sign of life each."""
        if self.unanswered:
            self._ask()

    @property
    def _layout(self) -> Layout:
        return Layout.between(self.offered, self.announced)

    def _ask(self) -> None:
        self._asking = True
        self._heard = False
        self.offered = self._offer
        self._announce(1, self._offer)

    def _new_reader(self, start: int) -> ChunkReader:
        return ChunkReader(
            GUEST_FRAMING,
            self._codec.limit,
            self._codec.is_bulk,
            start=start,
            report_chunks=self._report_headers,
        )

    def _restart_at_mark(self, window: bytes) -> bool:
        """Go on from a new announcement in *window*, the last bytes received."""
        start = self._received - len(window)
        mark = _MARK.search(window, max(0, self._announced_up_to - start))
        if mark is not None:
            self._restart(start + mark.start(), window[mark.start() :])
        return mark is not None

    def _restart_astride(self, raw: RawMessage, offset: int) -> bool:
        """
        Go on from a new announcement that *raw*, which ends at *offset*, ends in.

        Then the message was cut short, and what completed it is the new agent's.
        """
        start = self._received - len(self._recent)
        end = offset - start
        first = max(0, self._announced_up_to - start, end - _LONGEST_MARK)
        for mark in _MARK.finditer(self._recent, first, end + _LONGEST_MARK):
            inside = mark.start() < end < mark.end()
            completed = mark.end() == end and raw.number != _ANNOUNCE
            if inside or completed:
                self._restart(start + mark.start(), self._recent[mark.start() :])
                return True
        return False

    def _restart(self, offset: int, data: bytes) -> None:
        """Read *data*, which begins at *offset* of the stream, as if it were new."""
        self._reader = self._new_reader(offset)
        self._reader.receive_data(data)

    def _resynchronise(self, reason: str) -> None:
        """Find the next announcement after bytes that are no framing."""
        self._lose(reason)
        if not self._restart_at_mark(self._recent):
            self._reader = None
            if not self._asking:
                self._ask()

    def _lose(self, reason: str) -> None:
        if self.synced:
            self.synced = False
            self._events.append(AgentLost(reason))

    def _receive(self, raw: RawMessage, end: int) -> None:
        if self._report_headers:
            self._events.append(MessageReceived(raw.number, len(raw.payload)))
        if raw.number == _ANNOUNCE:
            self._receive_announce(raw, end)
        elif self.synced and (
            raw.port == Port.VDP_CLIENT_PORT or raw.number == MessageType.VD_AGENT_REPLY
        ):
            message = self._decode(raw, self._layout)
            if not isinstance(message, Malformed) and self._is_outdated(message):
                self._events.append(Discarded(raw.number, "its serial lost a race"))
            else:
                self._events.append(message)

    def _receive_announce(self, raw: RawMessage, end: int) -> None:
        message = self._decode(raw, self._layout)
        if not isinstance(message, AnnounceCapabilities):
            self._events.append(message)
            return
        self._announced_up_to = end
        if message.request:
            self._lose("the agent was started anew")
        self.announced = message.capabilities
        if message.request:
            self._announce(0, self._offer)
            if not self._asking:
                self._ask()
        else:
            self._asking = False
            if not self.synced:
                self.synced = True
                self._serials.zero()
                self._events.append(AgentUp(message.capabilities))
        self._events.append(message)
