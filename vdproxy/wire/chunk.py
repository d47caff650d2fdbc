"""
The two framings of a vdagent port: chunks, and messages cut into chunks.

A chunk is a ``VDIChunkHeader`` (port, size) and *size* bytes. A message is a
``VDAgentMessage`` header (protocol, type, opaque, size) and *size* bytes, which
may be spread over several chunks of one port; each port has its own message
in progress (spice-vdagentd keeps them apart too).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from vdproxy.errors import RemoteProtocolError
from vdproxy.wire.constants import (
    MAX_SKIPPED,
    VD_AGENT_MAX_DATA_SIZE,
    VD_AGENT_PROTOCOL,
    Port,
)

CHUNK_HEADER = struct.Struct("<II")
MESSAGE_HEADER = struct.Struct("<IIQI")

#: Pieces of one message that are joined into a block as they come in, so that
#: a message trickling in byte by byte costs little more than its bytes.
_PIECES_PER_BLOCK = 1024

#: Chunks handed to a transport in one write: 64 KiB, Twisted's own buffer size.
_CHUNKS_PER_WRITE = 32


class RawMessage(NamedTuple):
    """A whole message whose payload has not been looked at."""

    port: int
    number: int
    payload: bytes


class SkippedMessage(NamedTuple):
    """
    A message over its limit begins: its *size* payload bytes are counted off
    and not kept.
    """

    port: int
    number: int
    size: int


class ChunkHeader(NamedTuple):
    """The header of a chunk, reported where the reader is asked for them."""

    port: int
    size: int


class Assembling(NamedTuple):
    """How far a message has come in: *received* of *size* payload bytes."""

    number: int
    received: int
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

#: What an agent accepts from a host.
CLIENT_FRAMING = Framing(
    ports=_BOTH_PORTS,
    max_chunk=VD_AGENT_MAX_DATA_SIZE,
    empty_chunks=False,
    skips=False,
)


class _Message:
    """The message in progress on one port."""

    __slots__ = ("blocks", "head", "keep", "left", "number", "pieces", "size")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.head = b""
        self.number = 0
        self.size = 0
        self.left = 0
        self.keep = True
        self.pieces: list[bytes] = []
        self.blocks: list[bytes] = []

    @property
    def has_header(self) -> bool:
        return len(self.head) == MESSAGE_HEADER.size

    def add(self, piece: bytes) -> None:
        self.left -= len(piece)
        if self.keep:
            self.pieces.append(piece)
            if len(self.pieces) == _PIECES_PER_BLOCK:
                self.blocks.append(b"".join(self.pieces))
                self.pieces.clear()

    def payload(self) -> bytes:
        if not self.blocks and len(self.pieces) == 1:
            return self.pieces[0]
        return b"".join(self.blocks + self.pieces)


class ChunkReader:
    """
    Bytes of one direction of a port in, whole messages out.

    ``limit`` gives the largest payload of a message type, ``is_bulk`` whether a
    larger one may be skipped. ``start`` is the stream offset of the first byte.
    With ``report_chunks`` the headers of chunks are events too.

    The reader keeps what belongs to unfinished messages and nothing else. A
    size is checked when its header is complete, before its bytes are stored.
    After an error the reader is of no further use.
    """

    def __init__(
        self,
        framing: Framing,
        limit: Callable[[int], int],
        is_bulk: Callable[[int], bool],
        *,
        start: int = 0,
        report_chunks: bool = False,
    ) -> None:
        self._framing = framing
        self._limit = limit
        self._is_bulk = is_bulk
        self._report_chunks = report_chunks
        self._messages = {port: _Message() for port in _BOTH_PORTS.values()}
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
        return (
            self._position < len(self._data)
            or self._chunk_left > 0
            or any(message.head for message in self._messages.values())
        )

    @property
    def assembling(self) -> Assembling | None:
        """The message that is coming in, the client port's first."""
        for message in self._messages.values():
            if message.has_header:
                return Assembling(
                    message.number, message.size - message.left, message.size
                )
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
        while True:
            if not self._chunk_left:
                header = self._begin_chunk()
                if header is None:
                    self._let_go()
                    return None
                if self._report_chunks:
                    return header
                continue
            available = len(self._data) - self._position
            if not available:
                self._let_go()
                return None
            message = self._messages[self._port]
            if not message.has_header:
                if not self._read_header(message, available):
                    continue
                if not message.keep:
                    return SkippedMessage(self._port, message.number, message.size)
            else:
                message.add(self._take(min(self._chunk_left, available)))
            if not message.left:
                raw = RawMessage(self._port, message.number, message.payload())
                kept = message.keep
                message.reset()
                if kept:
                    return raw

    def _let_go(self) -> None:
        """Keep no more of the data than has not been read."""
        self._data = self._data[self._position :]
        self._consumed += self._position
        self._position = 0

    def _take(self, size: int) -> bytes:
        piece = self._data[self._position : self._position + size]
        self._position += size
        self._chunk_left -= size
        return piece

    def _begin_chunk(self) -> ChunkHeader | None:
        """Read a chunk header, if all of it is there."""
        if len(self._data) - self._position < CHUNK_HEADER.size:
            return None
        number, size = CHUNK_HEADER.unpack_from(self._data, self._position)
        port = self._framing.ports.get(number)
        if port is None:
            raise self._broken(f"chunk for port {number}, which does not exist")
        if size > self._framing.max_chunk:
            raise self._broken(
                f"chunk of {size} bytes, more than {self._framing.max_chunk}"
            )
        if not size and not self._framing.empty_chunks:
            raise self._broken("chunk of 0 bytes")
        message = self._messages[port]
        if message.has_header and size > message.left:
            raise self._broken(
                f"chunk of {size} bytes where its message has {message.left} left"
            )
        self._position += CHUNK_HEADER.size
        self._port = port
        self._chunk_left = size
        return ChunkHeader(port, size)

    def _read_header(self, message: _Message, available: int) -> bool:
        """Take what is there of a message header; check it and tell once whole."""
        missing = MESSAGE_HEADER.size - len(message.head)
        message.head += self._take(min(missing, self._chunk_left, available))
        if not message.has_header:
            return False
        protocol, number, _, size = MESSAGE_HEADER.unpack(message.head)
        if protocol != VD_AGENT_PROTOCOL:
            raise self._broken(f"message of protocol {protocol}, not 1")
        if not number:
            raise self._broken("message of type 0")
        if self._chunk_left > size:
            raise self._broken(
                f"chunk with {self._chunk_left} bytes for a message of {size}"
            )
        limit = self._limit(number)
        if size > limit:
            skips = self._framing.skips and self._is_bulk(number)
            if not skips or size > MAX_SKIPPED:
                raise self._broken(
                    f"message of type {number} with {size} bytes, more than {limit}"
                )
            message.keep = False
        message.number = number
        message.size = message.left = size
        return True

    def _broken(self, what: str) -> RemoteProtocolError:
        return RemoteProtocolError(f"{what}, at byte {self.offset}")


@dataclass(frozen=True, slots=True)
class CutMessage:
    """
    A message cut into chunks of at most 2,048 bytes.

    Iterating gives its bytes in writes of at most 64 KiB and headers; ``size``
    is how many they are in all. The message's header is whole in the first
    chunk and no chunk holds parts of two messages: what every known peer takes.
    """

    number: int
    payload: bytes
    port: int = Port.VDP_CLIENT_PORT

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        size = MESSAGE_HEADER.size + len(self.payload)
        return size + -(-size // VD_AGENT_MAX_DATA_SIZE) * CHUNK_HEADER.size

    def __iter__(self) -> Iterator[bytes]:
        head = MESSAGE_HEADER.pack(VD_AGENT_PROTOCOL, self.number, 0, len(self.payload))
        size = len(head) + len(self.payload)
        if size <= VD_AGENT_MAX_DATA_SIZE:
            yield CHUNK_HEADER.pack(self.port, size) + head + self.payload
            return
        full = CHUNK_HEADER.pack(self.port, VD_AGENT_MAX_DATA_SIZE)
        first = VD_AGENT_MAX_DATA_SIZE - len(head)
        view = memoryview(self.payload)
        write: list[bytes | memoryview] = [full, head, view[:first]]
        for start in range(first, len(self.payload), VD_AGENT_MAX_DATA_SIZE):
            if len(write) >= 2 * _CHUNKS_PER_WRITE:
                yield b"".join(write)
                write = []
            piece = view[start : start + VD_AGENT_MAX_DATA_SIZE]
            write.append(
                full
                if len(piece) == VD_AGENT_MAX_DATA_SIZE
                else CHUNK_HEADER.pack(self.port, len(piece))
            )
            write.append(piece)
        yield b"".join(write)
