"""Messages that set a conversation up and end it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.constants import MAX_CAPABILITY_WORDS, MessageType
from vdproxy.wire.messages.base import Message, require

_REPLY = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class AnnounceCapabilities(Message):
    """
    What the sender can do; ``request`` other than 0 asks for the same back.

    ``caps`` holds the 32-bit words as they came, none included.
    """

    request: int
    caps: tuple[int, ...]

    number: ClassVar[int] = MessageType.VD_AGENT_ANNOUNCE_CAPABILITIES
    max_size: ClassVar[int] = 4 + 4 * MAX_CAPABILITY_WORDS

    @property
    def capabilities(self) -> Capabilities:
        """The words as a set."""
        return Capabilities.from_words(self.caps)

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        require(
            len(payload) >= 4 and len(payload) % 4 == 0,
            f"capabilities in {len(payload)} bytes, which is not whole words",
        )
        require(
            len(payload) <= cls.max_size,
            f"capabilities in {len(payload)} bytes, more than {cls.max_size}",
        )
        request, *caps = struct.unpack(f"<{len(payload) // 4}I", payload)
        return cls(request, tuple(caps))

    def encode(self, layout: Layout) -> bytes:
        return struct.pack(f"<{1 + len(self.caps)}I", self.request, *self.caps)


@dataclass(frozen=True, slots=True)
class Reply(Message):
    """
    The answer to a message of ``type``: ``error`` is a ReplyError.

    It carries no id; the protocol has none.
    """

    type: int
    error: int

    number: ClassVar[int] = MessageType.VD_AGENT_REPLY
    max_size: ClassVar[int] = _REPLY.size

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        return cls(*_REPLY.unpack(payload))

    def encode(self, layout: Layout) -> bytes:
        return _REPLY.pack(self.type, self.error)


@dataclass(frozen=True, slots=True)
class ClientDisconnected(Message):
    """The host has lost its client: spice-server says so on the server port."""

    number: ClassVar[int] = MessageType.VD_AGENT_CLIENT_DISCONNECTED
    max_size: ClassVar[int] = 0

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        require(not payload, f"{len(payload)} bytes where there are none")
        return cls()

    def encode(self, layout: Layout) -> bytes:
        return b""
