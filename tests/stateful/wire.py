"""The bytes of a model peer: what it says, and whole messages of what it hears."""

from __future__ import annotations

from tests.hub.doubles import FakeTransport
from vdproxy.wire.capabilities import Layout
from vdproxy.wire.chunk import CLIENT_FRAMING, ChunkReader, CutMessage, RawMessage
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import Message


class Wire:
    """
    One end of a connection to the hub, as strict a reader as real agents are.

    ``full`` is whether the hub has been told that there is no room.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self.transport = FakeTransport()
        self.full = False
        self.discard()

    def discard(self) -> None:
        """Take nothing of what was written up to now for one's own."""
        self._read_up_to = len(self.transport.written)
        self._reader = ChunkReader(
            CLIENT_FRAMING, self._codec.limit, self._codec.data_offset
        )

    def fill(self) -> None:
        self.full = True
        self.transport.fill()

    def drain(self) -> None:
        if self.full:
            self.full = False
            self.transport.drain()

    def feed(self) -> bool:
        """Read what has come; tell whether that was anything."""
        written = self.transport.written
        if len(written) == self._read_up_to:
            return False
        self._reader.receive_data(bytes(written[self._read_up_to :]))
        self._read_up_to = len(written)
        return True

    def next(self) -> RawMessage | None:
        """Return the next message that has come whole."""
        raw = self._reader.next_event()
        assert raw is None or isinstance(raw, RawMessage), raw
        return raw

    @property
    def unfinished(self) -> bool:
        return self._reader.unfinished

    def decode(self, raw: RawMessage, layout: Layout) -> Message:
        """Return what a message says: it says so in the one way there is."""
        message = self._codec.decode(raw, layout)
        assert self._codec.encode(message, layout) == raw.payload + raw.data, (
            f"{message} in {raw.payload!r}"
        )
        return message

    def spell(self, message: Message, layout: Layout, port: int) -> bytes:
        payload = self._codec.encode(message, layout)
        return b"".join(CutMessage(message.number, payload, port))
