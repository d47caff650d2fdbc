"""
Messages from the pieces they come in, on a port or on a SPICE main channel.

A message is a ``VDAgentMessage`` header (protocol, type, opaque, size) and *size*
bytes. Its header may be cut anywhere.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from vdproxy.errors import RemoteProtocolError
from vdproxy.wire.constants import MAX_SKIPPED, VD_AGENT_PROTOCOL

MESSAGE_HEADER = struct.Struct("<IIQI")

#: Pieces of one message that are joined into a block as they come in, so that
#: a message trickling in byte by byte costs little more than its bytes.
_PIECES_PER_BLOCK = 1024


@dataclass(frozen=True)
class Limits:
    """
    How large messages may be.

    ``largest`` gives the most payload of a message type, bytes; ``skips`` tells
    whether a type's larger messages are counted off instead of an error.
    """

    largest: Callable[[int], int]
    skips: Callable[[int], bool]


class Assembling(NamedTuple):
    """How far a message has come in: *received* of *size* payload bytes."""

    number: int
    received: int
    size: int


class Assembled(NamedTuple):
    """A whole message, its payload not looked at; None if it was skipped."""

    number: int
    payload: bytes | None


class MessageAssembler:
    """
    The message in progress on one port.

    ``left`` is how many payload bytes it lacks, None until its header is whole.
    A size is checked then, before anything is stored.
    """

    left: int | None

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._reset()

    @property
    def begun(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._head)

    @property
    def skipping(self) -> bool:
        """Whether the message is over its limit, and is not kept."""
        return not self._keep

    @property
    def assembling(self) -> Assembling | None:
        """The message that is coming in, once its header is whole."""
        if self.left is None:
            return None
        return Assembling(self.number, self.size - self.left, self.size)

    @property
    def kept(self) -> int:
        """Bytes of the payload that are kept."""
        return self.size - self.left if self.left is not None and self._keep else 0

    def header_lacks(self) -> int:
        """Return how many bytes of the header have not come."""
        return MESSAGE_HEADER.size - len(self._head)

    def add_header(self, piece: bytes) -> bool:
        """
        Take bytes of the header, no more than it lacks; tell when it is whole.

        :raises RemoteProtocolError: it is none, or its message is too large.
        """
        self._head += piece
        if len(self._head) < MESSAGE_HEADER.size:
            return False
        protocol, number, _, size = MESSAGE_HEADER.unpack(self._head)
        if protocol != VD_AGENT_PROTOCOL:
            raise RemoteProtocolError(f"message of protocol {protocol}, not 1")
        if not number:
            raise RemoteProtocolError("message of type 0")
        largest = self._limits.largest(number)
        if size > largest:
            if not self._limits.skips(number) or size > MAX_SKIPPED:
                raise RemoteProtocolError(
                    f"message of type {number} with {size} bytes, more than {largest}"
                )
            self.skip()
        self.number = number
        self.size = self.left = size
        return True

    def add(self, piece: bytes) -> None:
        """Take bytes of the payload, no more than are left."""
        assert self.left is not None
        self.left -= len(piece)
        if self._keep:
            self._pieces.append(piece)
            if len(self._pieces) == _PIECES_PER_BLOCK:
                self._blocks.append(b"".join(self._pieces))
                self._pieces.clear()

    def skip(self) -> None:
        """Keep nothing of the message, whose header is there."""
        self._keep = False
        self._pieces.clear()
        self._blocks.clear()

    def finish(self) -> Assembled:
        """Return the message, nothing of which is left, and be ready for another."""
        payload = None
        if self._keep:
            single = not self._blocks and len(self._pieces) == 1
            pieces = self._pieces
            payload = pieces[0] if single else b"".join(self._blocks + pieces)
        message = Assembled(self.number, payload)
        self._reset()
        return message

    def _reset(self) -> None:
        self._head = b""
        self._keep = True
        self._pieces: list[bytes] = []
        self._blocks: list[bytes] = []
        self.number = 0
        self.size = 0
        self.left = None
