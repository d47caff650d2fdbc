"""The messages that carry files from a client into the guest."""

from __future__ import annotations

import struct
from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar, Self

from vdproxy.wire.capabilities import Layout
from vdproxy.wire.constants import (
    MAX_FILE_XFER_DATA,
    MAX_FILE_XFER_DETAIL,
    MAX_FILE_XFER_START,
    FileXferStatusResult,
    MessageType,
)
from vdproxy.wire.messages.base import Message, permit, require
from vdproxy.wire.messages.keyfile import (
    escape,
    format_group,
    parse_group,
    unescape,
)

_RESULT = FileXferStatusResult
_GROUP = "vdagent-file-xfer"
_ID = struct.Struct("<I")
_STATUS = struct.Struct("<II")
_NOT_ENOUGH_SPACE = struct.Struct("<Q")
_ERROR = struct.Struct("<BI")
_DATA = struct.Struct("<IQ")
_MAX_U32 = 2**32 - 1
_MAX_U64 = 2**64 - 1


def _subject(transfer: int) -> Hashable:
    return MessageType.VD_AGENT_FILE_XFER_DATA, transfer


def _number(value: str, key: str, largest: int) -> int:
    require(
        value.isascii() and value.isdecimal() and len(value) <= len(str(largest)),
        f"file transfer whose {key} is no number",
    )
    number = int(value)
    require(number <= largest, f"file transfer whose {key} is over {largest}")
    return number


@dataclass(frozen=True, slots=True)
class FileXferStart(Message):
    """
    A client wants to send the file ``name`` of ``size`` bytes as transfer ``id``.

    ``nr`` and ``total`` count the files of one drop where the client tells
    them (spice-gtk does, as ``file-xfer-nr`` and ``file-xfer-total``). The name
    is as the client gave it: whoever stores or forwards it checks it.
    """

    id: int
    name: str
    size: int
    nr: int | None = None
    total: int | None = None

    number: ClassVar[int] = MessageType.VD_AGENT_FILE_XFER_START
    max_size: ClassVar[int] = _ID.size + MAX_FILE_XFER_START

    @property
    def subject(self) -> Hashable:
        return _subject(self.id)

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        (transfer,) = _ID.unpack_from(payload)
        text, nul, rest = payload[_ID.size :].partition(b"\0")
        require(bool(nul) and not rest, "key file that does not end with its one NUL")
        keys = parse_group(text.decode(), _GROUP)
        require("name" in keys and "size" in keys, "key file without name and size")
        counts = [
            _number(keys[key], key, _MAX_U32) if key in keys else None
            for key in ("file-xfer-nr", "file-xfer-total")
        ]
        size = _number(keys["size"], "size", _MAX_U64)
        return cls(transfer, unescape(keys["name"]), size, *counts)

    def encode(self, layout: Layout) -> bytes:
        permit("\0" not in self.name, "a file name cannot hold a NUL")
        keys = {"name": escape(self.name)}
        for key, value, largest in (
            ("size", self.size, _MAX_U64),
            ("file-xfer-nr", self.nr, _MAX_U32),
            ("file-xfer-total", self.total, _MAX_U32),
        ):
            if value is not None:
                permit(0 <= value <= largest, f"{key} is not from 0 to {largest}")
                keys[key] = str(value)
        return _ID.pack(self.id) + format_group(_GROUP, keys).encode() + b"\0"


@dataclass(frozen=True, slots=True)
class FileXferStatus(Message):
    """
    Where transfer ``id`` stands: ``result`` is a FileXferStatusResult.

    ``disk_free_space`` (bytes) comes with NOT_ENOUGH_SPACE, ``error_type`` and
    ``error_code`` (a G_IO_ERROR number for GLIB_IO) with ERROR, each only for
    clients that announced FILE_XFER_DETAILED_ERRORS.
    """

    id: int
    result: int
    disk_free_space: int | None = None
    error_type: int | None = None
    error_code: int | None = None

    number: ClassVar[int] = MessageType.VD_AGENT_FILE_XFER_STATUS
    max_size: ClassVar[int] = _STATUS.size + MAX_FILE_XFER_DETAIL

    @property
    def subject(self) -> Hashable:
        return _subject(self.id)

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        transfer, result = _STATUS.unpack_from(payload)
        detail = payload[_STATUS.size :]
        not_enough_space = _RESULT.VD_AGENT_FILE_XFER_STATUS_NOT_ENOUGH_SPACE
        if result == not_enough_space and len(detail) == _NOT_ENOUGH_SPACE.size:
            return cls(transfer, result, *_NOT_ENOUGH_SPACE.unpack(detail))
        error = _RESULT.VD_AGENT_FILE_XFER_STATUS_ERROR
        if result == error and len(detail) == _ERROR.size:
            return cls(transfer, result, None, *_ERROR.unpack(detail))
        # A detail of another size, or of a result to come, is not worth losing the
        # result over (vd_agent.h: without room for a detail there is none).
        return cls(transfer, result)

    def encode(self, layout: Layout) -> bytes:
        status = _STATUS.pack(self.id, self.result)
        error = (self.error_type, self.error_code)
        not_enough_space = _RESULT.VD_AGENT_FILE_XFER_STATUS_NOT_ENOUGH_SPACE
        permit(
            self.disk_free_space is None or self.result == not_enough_space,
            f"result {self.result} tells no free space",
        )
        permit(
            error == (None, None)
            or self.result == _RESULT.VD_AGENT_FILE_XFER_STATUS_ERROR,
            f"result {self.result} tells no error",
        )
        if self.disk_free_space is not None:
            return status + _NOT_ENOUGH_SPACE.pack(self.disk_free_space)
        if error != (None, None):
            return status + _ERROR.pack(*error)
        return status


@dataclass(frozen=True, slots=True)
class FileXferData(Message):
    """The next bytes of transfer ``id``, at most 1 MiB."""

    id: int
    data: bytes

    number: ClassVar[int] = MessageType.VD_AGENT_FILE_XFER_DATA
    max_size: ClassVar[int] = _DATA.size + MAX_FILE_XFER_DATA
    data_offset: ClassVar[int | None] = _DATA.size

    @property
    def subject(self) -> Hashable:
        return _subject(self.id)

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        return cls.decode_parts(payload, b"", layout)

    @classmethod
    def decode_parts(cls, payload: bytes, data: bytes, layout: Layout) -> Self:
        transfer, size = _DATA.unpack_from(payload)
        data = payload[_DATA.size :] + data
        require(size == len(data), f"file data of {len(data)} bytes that claims {size}")
        return cls(transfer, data)

    def encode(self, layout: Layout) -> bytes:
        return b"".join(self.encode_parts(layout))

    def encode_parts(self, layout: Layout) -> tuple[bytes, bytes]:
        return _DATA.pack(self.id, len(self.data)), self.data
