"""The message: what an agent or a client that takes part has to speak."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from vdproxy.api import Layout, Message, RemoteProtocolError

#: The capability that both ends of a link announce: bit 4 of the fourth word.
NOTIFICATIONS = 100

_TITLE_SIZE = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Notification(Message):
    """
    Something to show to whoever sits there.

    On the wire: the title's size in bytes (32 bits), the title, and the body up to
    the end, both in UTF-8.
    """

    title: str
    body: str

    number: ClassVar[int] = 1100
    max_size: ClassVar[int] = 4096

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        (size,) = _TITLE_SIZE.unpack_from(payload)
        texts = payload[_TITLE_SIZE.size :]
        if size > len(texts):
            raise RemoteProtocolError(f"a title of {size} bytes in {len(texts)}")
        return cls(texts[:size].decode(), texts[size:].decode())

    def encode(self, layout: Layout) -> bytes:
        title = self.title.encode()
        return _TITLE_SIZE.pack(len(title)) + title + self.body.encode()
