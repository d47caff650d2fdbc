"""Payloads to values and back, for the message types that one VM knows."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from vdproxy.errors import LocalProtocolError, RemoteProtocolError
from vdproxy.wire.capabilities import Layout
from vdproxy.wire.chunk import RawMessage
from vdproxy.wire.constants import DEFAULT_MAX_MESSAGE
from vdproxy.wire.messages import STANDARD, Message, Unknown


class Codec:
    """
    The message classes of one VM: the protocol's own and those that handlers
    bring (*extra*), which win over the protocol's.

    ``max_message`` bounds the data of a bulk message, bytes; another may be set.
    """

    def __init__(
        self,
        extra: Iterable[type[Message]] = (),
        max_message: int = DEFAULT_MAX_MESSAGE,
    ) -> None:
        self.max_message = max_message
        self.learn(extra)

    def learn(self, extra: Iterable[type[Message]]) -> None:
        """Know these classes besides the protocol's own, and no others."""
        self._classes = {int(cls.number): cls for cls in (*STANDARD, *extra)}

    def data_offset(self, number: int) -> int | None:
        """Return where the data of a bulk message begin, None for another type."""
        return self._class(number).data_offset

    def limit(self, number: int) -> int:
        """Return the largest payload of a message of type *number*, bytes."""
        message_class = self._class(number)
        if message_class.data_offset is None:
            return message_class.max_size
        return min(message_class.max_size, message_class.data_offset + self.max_message)

    def decode(self, raw: RawMessage, layout: Layout) -> Message:
        """
        Return the value of a message, an ``Unknown`` where no class reads it.

        :raises RemoteProtocolError: the payload is not one of its type.
        """
        message_class = self._class(raw.number)
        if message_class is Unknown:
            return Unknown(raw.number, raw.payload + raw.data)
        try:
            return message_class.decode_parts(raw.payload, raw.data, layout)
        except (struct.error, ValueError) as error:
            # What Python says may quote the payload.
            raise RemoteProtocolError(
                f"{raw.payload_size} bytes are no {message_class.__name__}"
            ) from error

    def encode(self, message: Message, layout: Layout) -> bytes:
        """Return the payload of a message; raises what ``encode_parts`` raises."""
        return b"".join(self.encode_parts(message, layout))

    def encode_parts(self, message: Message, layout: Layout) -> tuple[bytes, bytes]:
        """
        Return the payload of a message as its beginning and the data behind it.

        :raises LocalProtocolError: a field does not fit, or the whole is over
            the limit of its type.
        """
        try:
            head, data = message.encode_parts(layout)
        except (struct.error, ValueError) as error:
            raise LocalProtocolError(
                f"{type(message).__name__} cannot be encoded: {error}"
            ) from error
        limit = self.limit(message.number)
        size = len(head) + len(data)
        if size > limit:
            raise LocalProtocolError(
                f"{type(message).__name__} of {size} bytes, more than {limit}"
            )
        return head, data

    def _class(self, number: int) -> type[Message]:
        return self._classes.get(number, Unknown)
