"""What every message class has, and the value of a type without one."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar, Self

from vdproxy.errors import LocalProtocolError, RemoteProtocolError
from vdproxy.wire.capabilities import Layout
from vdproxy.wire.constants import MAX_UNKNOWN


class Message:
    """
    Base of the message classes: frozen dataclasses, one for a message type.

    A payload may hold any number in a field that names a type, a result or a
    flag; the enums of :mod:`vdproxy.wire.constants` name those that are known.
    """

    __slots__ = ()

    #: ``VDAgentMessage.type``.
    number: ClassVar[int]
    #: Largest payload, bytes. A larger one counts as broken framing, since it is not
    #: stored: a client that sends it is disconnected, an agent is met anew.
    max_size: ClassVar[int]
    #: Where the data begin in the payload, bytes, for bulk types: those whose
    #: data the option ``max-message`` bounds as well.
    data_offset: ClassVar[int | None] = None

    #: Seconds in which its sender wants to be answered, None if it has time.
    patience: ClassVar[float | None] = None

    @property
    def subject(self) -> Hashable | None:
        """
        What the message is about, where messages about the same keep their order.

        Between others a small one may go before one that is large.
        """
        return None

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        """
        Return the value that *payload* spells under *layout*.

        :raises RemoteProtocolError: it spells none. ``struct.error`` and
            ``ValueError`` mean the same to the codec.
        """
        raise RemoteProtocolError(f"{cls.__name__} reads no payload")

    @classmethod
    def decode_parts(cls, payload: bytes, data: bytes, layout: Layout) -> Self:
        """
        Return the value of a payload in two parts, of which *data* may be all its data.

        Bulk types keep *data* as they are, so that they are there once. Raises what
        ``decode`` raises.
        """
        return cls.decode(payload + data, layout)

    def encode(self, layout: Layout) -> bytes:
        """
        Return the payload under *layout*.

        :raises LocalProtocolError: this layout cannot express the value.
            ``struct.error`` means the same to the codec.
        """
        raise LocalProtocolError(f"{type(self).__name__} has no payload")

    def encode_parts(self, layout: Layout) -> tuple[bytes, bytes]:
        """
        Return the payload as its beginning and the data behind it.

        Bulk types return their data as it is, so that any number of receivers
        share it. Raises what ``encode`` raises.
        """
        return self.encode(layout), b""


@dataclass(frozen=True, slots=True)
class Unknown(Message):
    """A message that no class reads: its type and its payload as it came."""

    number: int  # type: ignore[misc]  # the one class that stands for many types
    payload: bytes

    max_size: ClassVar[int] = MAX_UNKNOWN

    def encode(self, layout: Layout) -> bytes:
        return self.payload


def require(condition: bool, problem: str) -> None:
    """Raise RemoteProtocolError unless *condition* holds of what a peer sent."""
    if not condition:
        raise RemoteProtocolError(problem)


def permit(condition: bool, problem: str) -> None:
    """Raise LocalProtocolError unless *condition* holds of what is to be sent."""
    if not condition:
        raise LocalProtocolError(problem)
