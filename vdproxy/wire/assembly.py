"""
Messages from the pieces they come in, on a port or on a SPICE main channel.

A message is a ``VDAgentMessage`` header (protocol, type, opaque, size) and *size*
bytes. Its header may be cut anywhere.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import NamedTuple

from vdproxy.errors import RemoteProtocolError
from vdproxy.wire.constants import MAX_SKIPPED, VD_AGENT_PROTOCOL

MESSAGE_HEADER = struct.Struct("<IIQI")

#: Pieces of one message that are joined into one as they come in, so that a message
#: trickling in byte by byte costs little more than its bytes.
_MANY = 1024

#: Payload bytes from which on the pieces are joined as they come, so that there are
#: not two of a large message at its end.
_LARGE = 8 * 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """
    How large messages may be.

    ``largest`` gives the most payload of a message type, bytes; ``data_offset``
    where the data of a bulk type begin in it, None for another type; ``skips`` tells
    whether larger bulk messages are counted off instead of an error.
    """

    largest: Callable[[int], int]
    data_offset: Callable[[int], int | None]
    skips: bool


class Assembling(NamedTuple):
    """How far a message has come in: *received* of *size* payload bytes."""

    number: int
    received: int
    size: int


class Assembled(NamedTuple):
    """
    A whole message, its payload not looked at.

    The payload is ``payload`` and, behind it, ``data``: of a bulk type's those at its
    ``data_offset``, of another's none.
    """

    number: int
    payload: bytes
    data: bytes


class MessageAssembler:
    """
    The message in progress on one port.

    ``begun`` tells whether it has begun and not ended, ``left`` how many payload bytes
    it lacks, None until its header is whole. A size is checked then, before anything
    is stored.
    """

    begun: bool
    left: int | None
    _data_offset: int | None

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._reset()

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
        self.begun = True
        self._head += piece
        if len(self._head) < MESSAGE_HEADER.size:
            return False
        protocol, number, _, size = MESSAGE_HEADER.unpack(self._head)
        if protocol != VD_AGENT_PROTOCOL:
            raise RemoteProtocolError(f"message of protocol {protocol}, not 1")
        if not number:
            raise RemoteProtocolError("message of type 0")
        largest, offset = self._limits.largest(number), self._limits.data_offset(number)
        if size > largest:
            if not self._limits.skips or offset is None or size > MAX_SKIPPED:
                raise RemoteProtocolError(
                    f"message of type {number} with {size} bytes, more than {largest}"
                )
            self.skip()
        self.number = number
        self.size = self.left = size
        self._data_offset = offset
        return True

    @property
    def lacks(self) -> int:
        """
        How many bytes of the payload may be added at once.

        Those before its data come first, then all that are left.
        """
        assert self.left is not None
        before = (self._data_offset or 0) - (self.size - self.left)
        return before if before > 0 else self.left

    def add(self, piece: bytes) -> None:
        """Take bytes of the payload, no more than it lacks."""
        assert self.left is not None
        received = self.size - self.left
        self.left -= len(piece)
        if not self._keep:
            return
        if self._data_offset is not None and received < self._data_offset:
            self._payload += piece
            return
        self._pieces.append(piece)
        if len(self._pieces) == _MANY or self.size > _LARGE:
            self._joined.writelines(self._pieces)
            self._pieces.clear()

    def skip(self) -> None:
        """Keep nothing of the message, whose header is there."""
        self._keep = False
        self._pieces.clear()
        self._joined = BytesIO()

    def finish(self) -> Assembled | None:
        """
        Return the message, nothing of which is left, and be ready for another.

        None is returned if it was skipped.
        """
        data = self._joined.getvalue() + b"".join(self._pieces)
        parts = (data, b"") if self._data_offset is None else (self._payload, data)
        message = Assembled(self.number, *parts) if self._keep else None
        self._reset()
        return message

    def _reset(self) -> None:
        self.begun = False
        self._head = b""
        self._keep = True
        self._payload = b""
        self._pieces: list[bytes] = []
        self._joined = BytesIO()
        self._data_offset = None
        self.number = 0
        self.size = 0
        self.left = None
