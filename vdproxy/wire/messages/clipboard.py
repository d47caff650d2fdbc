"""
The clipboard messages.

A selection is told only where both ends announced CLIPBOARD_SELECTION; without
it every message is about CLIPBOARD. A GRAB has a serial only where both
announced CLIPBOARD_GRAB_SERIAL. Numbers of selections that do not exist are
refused: agents read past their tables on them.
"""

from __future__ import annotations

import struct
from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar, Self

from vdproxy.errors import LocalProtocolError, RemoteProtocolError
from vdproxy.wire.capabilities import Layout
from vdproxy.wire.constants import (
    MAX_GRAB_TYPES,
    MAX_SKIPPED,
    Capability,
    MessageType,
    Selection,
)
from vdproxy.wire.messages.base import Message, require

_U32 = struct.Struct("<I")
_SELECTION = struct.Struct("<Bxxx")
_SELECTIONS = frozenset(Selection)
_CLIPBOARD = Selection.VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD


def _selection_size(layout: Layout) -> int:
    if layout.agreed(Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION):
        return _SELECTION.size
    return 0


def _subject(selection: int) -> Hashable:
    return MessageType.VD_AGENT_CLIPBOARD, selection


def _decode_selection(payload: bytes, layout: Layout) -> tuple[int, int]:
    """Return the selection, and where in the payload the rest begins."""
    size = _selection_size(layout)
    if not size:
        return _CLIPBOARD, 0
    return _checked_selection(_SELECTION.unpack_from(payload)[0]), size


def _checked_selection(selection: int) -> int:
    if selection not in _SELECTIONS:
        raise RemoteProtocolError(f"selection {selection} does not exist")
    return selection


def _encode_selection(selection: int, layout: Layout) -> bytes:
    if _selection_size(layout):
        if selection not in _SELECTIONS:
            raise LocalProtocolError(f"selection {selection} does not exist")
        return _SELECTION.pack(selection)
    if selection != _CLIPBOARD:
        raise LocalProtocolError(
            f"selection {selection} for a peer that knows CLIPBOARD only"
        )
    return b""


@dataclass(frozen=True, slots=True)
class Clipboard(Message):
    """
    Clipboard data, the answer to a REQUEST: ``type`` is a ClipboardType.

    NONE, or no data, means that there is nothing to paste.
    """

    selection: int
    type: int
    data: bytes

    number: ClassVar[int] = MessageType.VD_AGENT_CLIPBOARD
    max_size: ClassVar[int] = MAX_SKIPPED
    data_offset: ClassVar[int | None] = _SELECTION.size + _U32.size

    @property
    def subject(self) -> Hashable:
        return _subject(self.selection)

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        return cls.decode_parts(payload, b"", layout)

    @classmethod
    def decode_parts(cls, payload: bytes, data: bytes, layout: Layout) -> Self:
        selection, start = _decode_selection(payload, layout)
        (kind,) = _U32.unpack_from(payload, start)
        return cls(selection, kind, payload[start + _U32.size :] + data)

    def encode(self, layout: Layout) -> bytes:
        return b"".join(self.encode_parts(layout))

    def encode_parts(self, layout: Layout) -> tuple[bytes, bytes]:
        prefix = _encode_selection(self.selection, layout)
        return prefix + _U32.pack(self.type), self.data


@dataclass(frozen=True, slots=True)
class ClipboardGrab(Message):
    """
    The sender now owns the selection and can give it as any of ``types``.

    ``serial`` is the link's affair (:mod:`vdproxy.link.serials`) and None
    elsewhere.
    """

    selection: int
    types: tuple[int, ...]
    serial: int | None = None

    number: ClassVar[int] = MessageType.VD_AGENT_CLIPBOARD_GRAB
    max_size: ClassVar[int] = _SELECTION.size + _U32.size + 4 * MAX_GRAB_TYPES

    @property
    def subject(self) -> Hashable:
        return _subject(self.selection)

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        selection, start = _decode_selection(payload, layout)
        serial = None
        if layout.agreed(Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL):
            (serial,) = _U32.unpack_from(payload, start)
            start += _U32.size
        count, odd = divmod(len(payload) - start, 4)
        if odd:
            size = len(payload) - start
            raise RemoteProtocolError(f"types in {size} bytes, not whole numbers")
        if count > MAX_GRAB_TYPES:
            raise RemoteProtocolError(f"{count} types, more than {MAX_GRAB_TYPES}")
        return cls(selection, struct.unpack_from(f"<{count}I", payload, start), serial)

    def encode(self, layout: Layout) -> bytes:
        prefix = _encode_selection(self.selection, layout)
        with_serial = layout.agreed(Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL)
        if with_serial != (self.serial is not None):
            raise LocalProtocolError(
                "a GRAB has a serial where the link agreed on it, and only there"
            )
        count = len(self.types)
        if count > MAX_GRAB_TYPES:
            raise LocalProtocolError(f"{count} types, more than {MAX_GRAB_TYPES}")
        if self.serial is not None:
            prefix += _U32.pack(self.serial)
        return prefix + struct.pack(f"<{count}I", *self.types)


@dataclass(frozen=True, slots=True)
class ClipboardRequest(Message):
    """The sender wants the selection as ``type``, a ClipboardType."""

    selection: int
    type: int

    number: ClassVar[int] = MessageType.VD_AGENT_CLIPBOARD_REQUEST
    #: The Windows agent gives up after three.
    patience: ClassVar[float | None] = 2.5
    max_size: ClassVar[int] = _SELECTION.size + _U32.size

    @property
    def subject(self) -> Hashable:
        return _subject(self.selection)

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        selection, start = _decode_selection(payload, layout)
        (kind,) = _U32.unpack(payload[start:])
        return cls(selection, kind)

    def encode(self, layout: Layout) -> bytes:
        return _encode_selection(self.selection, layout) + _U32.pack(self.type)


@dataclass(frozen=True, slots=True)
class ClipboardRelease(Message):
    """
    The sender owns the selection no longer.

    spice-vdagentd itself sends the selection as a single byte, with no regard
    to what was agreed, where a session agent sends four.
    """

    selection: int

    number: ClassVar[int] = MessageType.VD_AGENT_CLIPBOARD_RELEASE
    max_size: ClassVar[int] = _SELECTION.size

    @property
    def subject(self) -> Hashable:
        return _subject(self.selection)

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        if not payload and not _selection_size(layout):
            return cls(_CLIPBOARD)
        require(
            len(payload) in (1, _SELECTION.size), f"RELEASE in {len(payload)} bytes"
        )
        return cls(_checked_selection(payload[0]))

    def encode(self, layout: Layout) -> bytes:
        return _encode_selection(self.selection, layout)


@dataclass(frozen=True, slots=True)
class MaxClipboard(Message):
    """
    The most clipboard data the sender wants in one message, bytes.

    -1 is unlimited. Agents apply it to what they send, not to what they get.
    """

    max: int

    number: ClassVar[int] = MessageType.VD_AGENT_MAX_CLIPBOARD
    max_size: ClassVar[int] = 4

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        return cls(*struct.unpack("<i", payload))

    def encode(self, layout: Layout) -> bytes:
        return struct.pack("<i", self.max)
