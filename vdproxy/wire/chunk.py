"""
Chunks: what a virtio port carries messages in.

A chunk is a ``VDIChunkHeader`` (port, size) and *size* bytes of the messages of that
port. Each port has its own message in progress (spice-vdagentd keeps them apart
too).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from vdproxy.errors import RemoteProtocolError
from vdproxy.wire.assembly import (
    MESSAGE_HEADER,
    Assembling,
    Limits,
    MessageAssembler,
)
from vdproxy.wire.constants import (
    MAX_SKIPPED,
    VD_AGENT_MAX_DATA_SIZE,
    VD_AGENT_PROTOCOL,
    Port,
)

CHUNK_HEADER = struct.Struct("<II")

#: What a message begins with: its chunk's header and its own.
_HEADERS = struct.Struct("<IIIIQI")

#: Bytes of the largest chunk that a host may send, header and all.
_FULL_CHUNK = CHUNK_HEADER.size + VD_AGENT_MAX_DATA_SIZE

#: Full chunks that are read or written in one step: 128 KiB, so that 64 KiB of a file
#: are one write.
_CHUNKS_AT_ONCE = 64

#: Payload bytes up to which a message is one chunk, and one write.
_IN_ONE_CHUNK = VD_AGENT_MAX_DATA_SIZE - MESSAGE_HEADER.size
_IN_ONE_WRITE = _CHUNKS_AT_ONCE * VD_AGENT_MAX_DATA_SIZE - MESSAGE_HEADER.size


class RawMessage(NamedTuple):
    """
    A whole message whose payload has not been looked at.

    The payload is ``payload`` and, behind it, ``data``: what stands at the
    ``data_offset`` of a bulk type, nothing of another.
    """

    port: int
    number: int
    payload: bytes
    data: bytes = b""

    @property
    def payload_size(self) -> int:
        """Bytes of the payload."""
        return len(self.payload) + len(self.data)


class SkippedMessage(NamedTuple):
    """A message over its limit begins: its *size* bytes are counted off unkept."""

    port: int
    number: int
    size: int


class ChunkHeader(NamedTuple):
    """The header of a chunk, reported where the reader is asked for them."""

    port: int
    size: int


@dataclass(frozen=True)
class Framing:
    """
    What chunk headers of one kind of peer may say.

    ``ports`` maps each allowed port to the one it means, ``max_chunk`` is in
    bytes, ``empty_chunks`` tells whether a size of 0 is ignored or an error,
    and ``skips`` whether a bulk message over its limit is skipped or an error.
    """

    ports: dict[int, Port]
    max_chunk: int
    empty_chunks: bool
    skips: bool


_BOTH_PORTS = {int(p): p for p in (Port.VDP_CLIENT_PORT, Port.VDP_SERVER_PORT)}

#: spice-vdagentd sends any message, of any size, as one chunk. The Windows
#: agent answers a request that came in several chunks on port 0.
GUEST_FRAMING = Framing(
    ports={0: Port.VDP_CLIENT_PORT, **_BOTH_PORTS},
    max_chunk=MAX_SKIPPED + MESSAGE_HEADER.size,
    empty_chunks=True,
    skips=True,
)

#: How the Linux agent sends all it says.
LINUX_FRAMING = Framing(
    ports=_BOTH_PORTS,
    max_chunk=MAX_SKIPPED + MESSAGE_HEADER.size,
    empty_chunks=False,
    skips=True,
)

#: What an agent accepts from a host.
CLIENT_FRAMING = Framing(
    ports=_BOTH_PORTS,
    max_chunk=VD_AGENT_MAX_DATA_SIZE,
    empty_chunks=False,
    skips=False,
)


class ChunkReader:
    """
    Bytes of one direction of a port in, whole messages out.

    ``limit`` gives the largest payload of a message type, ``data_offset`` where its
    data begin, None if it is no bulk type. ``start`` is the stream offset of the
    first byte. With ``report_chunks`` the headers of chunks are events too.

    The reader keeps what belongs to unfinished messages and nothing else. After
    an error it is of no further use.
    """

    def __init__(
        self,
        framing: Framing,
        limit: Callable[[int], int],
        data_offset: Callable[[int], int | None],
        *,
        start: int = 0,
        report_chunks: bool = False,
    ) -> None:
        limits = Limits(limit, data_offset, framing.skips)
        self._framing = framing
        self._limits = limits
        self._report_chunks = report_chunks
        self._messages = {p: MessageAssembler(limits) for p in _BOTH_PORTS.values()}
        self._port = Port.VDP_CLIENT_PORT
        self._chunk_left = 0
        self._data = b""
        self._position = 0
        self._consumed = start

    @property
    def offset(self) -> int:
        """Where in the stream the next byte to be read stands."""
        return self._consumed + self._position

    @property
    def unfinished(self) -> bool:
        """Whether a header, a chunk or a message has begun and not ended."""
        if self._position < len(self._data) or self._chunk_left:
            return True
        for message in self._messages.values():  # noqa: SIM110 - asked for each read
            if message.begun:
                return True
        return False

    @property
    def assembling(self) -> Assembling | None:
        """The message that is coming in, the client port's first."""
        for message in self._messages.values():
            if message.begun and message.assembling:
                return message.assembling
        return None

    @property
    def held(self) -> int:
        """Bytes that are kept: of unfinished messages, and not read yet."""
        kept = sum(message.kept for message in self._messages.values())
        return kept + len(self._data) - self._position

    def skip_rest(self) -> SkippedMessage | None:
        """Drop what has come of the message that is coming in; count off its rest."""
        for port, message in self._messages.items():
            if message.assembling and not message.skipping:
                message.skip()
                return SkippedMessage(port, message.number, message.size)
        return None

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes of the stream; :meth:`next_event` reads them."""
        self._let_go()
        self._data = self._data + data if self._data else data

    def next_event(self) -> RawMessage | SkippedMessage | ChunkHeader | None:
        """
        Return what comes next, or None until more bytes are there.

        :raises RemoteProtocolError: the framing is broken; the text says how
            and at which byte of the stream.
        """
        try:
            return self._next_event()
        except RemoteProtocolError as error:
            raise RemoteProtocolError(f"{error}, at byte {self.offset}") from None

    def _next_event(self) -> RawMessage | SkippedMessage | ChunkHeader | None:
        while True:
            available = len(self._data) - self._position
            if not self._chunk_left:
                if available < CHUNK_HEADER.size:
                    break
                if self._report_chunks:
                    self._begin_chunk()
                    return ChunkHeader(self._port, self._chunk_left)
                whole = self._whole_message()
                if whole is not None:
                    return whole
                self._begin_chunk()
                continue
            if not available:
                break
            message = self._messages[self._port]
            if message.left is None:
                if not message.add_header(self._take(message.header_lacks())):
                    continue
                if self._chunk_left > message.size:
                    raise RemoteProtocolError(
                        f"chunk with {self._chunk_left} bytes for a message of "
                        f"{message.size}"
                    )
                if message.skipping:
                    return SkippedMessage(self._port, message.number, message.size)
            else:
                message.add(self._take_chunks(message.lacks))
            if not message.left:
                assembled = message.finish()
                if assembled is not None:
                    return RawMessage(self._port, *assembled)
        self._let_go()
        return None

    def _let_go(self) -> None:
        """Keep no more of the data than has not been read."""
        self._data = self._data[self._position :]
        self._consumed += self._position
        self._position = 0

    def _whole_message(self) -> RawMessage | None:
        """Return the message that the next chunk is, if all of it is in order."""
        data, start = self._data, self._position + _HEADERS.size
        if start > len(data):
            return None
        chunk_port, chunk_size, protocol, number, _, size = _HEADERS.unpack_from(
            data, self._position
        )
        port, end = self._framing.ports.get(chunk_port), start + size
        if (
            end > len(data)
            or port is None
            or self._messages[port].begun
            or chunk_size != MESSAGE_HEADER.size + size
            or chunk_size > self._framing.max_chunk
            or protocol != VD_AGENT_PROTOCOL
            or not number
            or size > self._limits.largest(number)
        ):
            return None
        self._position = end
        offset = self._limits.data_offset(number)
        split = end if offset is None else min(start + offset, end)
        return RawMessage(port, number, data[start:split], data[split:end])

    def _take(self, most: int) -> bytes:
        """Return bytes of the present chunk, no more than *most*."""
        size = min(most, self._chunk_left, len(self._data) - self._position)
        piece = self._data[self._position : self._position + size]
        self._position += size
        self._chunk_left -= size
        return piece

    def _take_chunks(self, most: int) -> bytes:
        """Return bytes of the present chunk, and of full ones that go on with it."""
        piece = self._take(most)
        count = min(
            _CHUNKS_AT_ONCE,
            (len(self._data) - self._position) // _FULL_CHUNK,
            (most - len(piece)) // VD_AGENT_MAX_DATA_SIZE,
        )
        if not count or self._report_chunks:
            return piece
        headers = struct.unpack_from(
            f"<{'8s2048x' * count}", self._data, self._position
        )
        full = CHUNK_HEADER.pack(self._port, VD_AGENT_MAX_DATA_SIZE)
        if headers.count(full) < count:
            return piece
        pieces = struct.unpack_from(f"<{'8x2048s' * count}", self._data, self._position)
        self._position += count * _FULL_CHUNK
        return b"".join([piece, *pieces])

    def _begin_chunk(self) -> None:
        """Read a chunk header, all of which is there."""
        number, size = CHUNK_HEADER.unpack_from(self._data, self._position)
        port = self._framing.ports.get(number)
        if port is None:
            raise RemoteProtocolError(f"chunk for port {number}, which does not exist")
        if size > self._framing.max_chunk:
            raise RemoteProtocolError(
                f"chunk of {size} bytes, more than {self._framing.max_chunk}"
            )
        if not size and not self._framing.empty_chunks:
            raise RemoteProtocolError("chunk of 0 bytes")
        left = self._messages[port].left
        if left is not None and size > left:
            raise RemoteProtocolError(
                f"chunk of {size} bytes where its message has {left} left"
            )
        self._position += CHUNK_HEADER.size
        self._port = port
        self._chunk_left = size


@dataclass(frozen=True, slots=True)
class CutMessage:
    """
    A message cut into chunks of at most 2,048 bytes.

    Iterating gives its bytes in writes of at most 128 KiB and headers; ``size``
    is how many they are in all. The message's header is whole in the first
    chunk and no chunk holds parts of two messages: what every known peer takes.
    The payload is ``payload`` and, behind it, ``data``, which is not copied.
    """

    number: int
    payload: bytes
    port: int = Port.VDP_CLIENT_PORT
    data: bytes = b""

    @property
    def payload_size(self) -> int:
        """Bytes of the payload."""
        return len(self.payload) + len(self.data)

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        size = MESSAGE_HEADER.size + self.payload_size
        return size + -(-size // VD_AGENT_MAX_DATA_SIZE) * CHUNK_HEADER.size

    @property
    def fits_one_chunk(self) -> bool:
        """Whether it is a single chunk."""
        return len(self.payload) + len(self.data) <= _IN_ONE_CHUNK

    @property
    def fits_one_write(self) -> bool:
        """Whether iterating gives all of it at once."""
        return len(self.payload) + len(self.data) <= _IN_ONE_WRITE

    def __iter__(self) -> Iterator[bytes]:
        size = self.payload_size
        first = min(MESSAGE_HEADER.size + size, VD_AGENT_MAX_DATA_SIZE)
        headers = _HEADERS.pack(
            self.port, first, VD_AGENT_PROTOCOL, self.number, 0, size
        )
        begin, rest = headers + self.payload, self.data
        if size <= _IN_ONE_CHUNK:
            yield begin + rest
            return
        if len(begin) > _FULL_CHUNK:
            begin, rest = begin[:_FULL_CHUNK], begin[_FULL_CHUNK:] + rest
        at = _FULL_CHUNK - len(begin)
        pieces, room = [begin + rest[:at]], _CHUNKS_AT_ONCE - 1
        full = CHUNK_HEADER.pack(self.port, VD_AGENT_MAX_DATA_SIZE)
        while len(rest) - at > room * VD_AGENT_MAX_DATA_SIZE:
            yield full.join([*pieces, *_cut(rest, at, room)])
            at += room * VD_AGENT_MAX_DATA_SIZE
            pieces, room = [b""], _CHUNKS_AT_ONCE
        count = (len(rest) - at - 1) // VD_AGENT_MAX_DATA_SIZE
        pieces += _cut(rest, at, count)
        last = rest[at + count * VD_AGENT_MAX_DATA_SIZE :]
        pieces[-1] += CHUNK_HEADER.pack(self.port, len(last)) + last
        yield full.join(pieces)


def _cut(data: bytes, start: int, count: int) -> tuple[bytes, ...]:
    """Return what fills so many chunks, from *start* on."""
    return struct.unpack_from(f"<{'2048s' * count}", data, start)
