"""What peers say, spelled by the bytes of an input: messages, whole and damaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from vdproxy.errors import LocalProtocolError
from vdproxy.testing import LINUX_AGENT, SPICE_GTK, WINDOWS_AGENT
from vdproxy.wire.assembly import MESSAGE_HEADER
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.chunk import CHUNK_HEADER
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import Capability
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    AudioVolumeSync,
    ClientDisconnected,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    DeviceDisplayInfo,
    DisplayConfig,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    GraphicsDeviceInfo,
    MaxClipboard,
    Message,
    MonConfig,
    MonitorsConfig,
    MouseState,
    Reply,
    Unknown,
)

_T = TypeVar("_T")

_SELECTION = Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION
_SERIAL = Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL

#: Those that differ.
LAYOUTS = (
    Layout(Capabilities.of(_SELECTION, _SERIAL)),
    Layout(Capabilities.of(_SELECTION)),
    Layout(Capabilities.of(_SERIAL)),
    Layout(),
)

#: What peers announce: the known ones, everything, nothing, and odd mixtures.
OFFERS = (
    LINUX_AGENT,
    WINDOWS_AGENT,
    SPICE_GTK,
    Capabilities.of(*range(18)),
    Capabilities(),
    Capabilities.of(Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND),
    Capabilities.of(
        Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND,
        _SERIAL,
    ),
    Capabilities(2**256 - 1),
)

_SIZES = (0, 1, 19, 20, 21, 40, 2048, 2049, 2**31 - 1, 2**31, 2**32 - 1)

#: Sizes of what stands in an input as it is.
_PIECES = (0, 1, 2, 3, 4, 5, 8, 12, 16, 20, 24, 36, 64, 200)

_CODEC = Codec()


class Input:
    """The bytes of one input, read as choices; behind its end all are the first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def left(self) -> bool:
        """Whether there are more choices."""
        return self._position < len(self._data)

    def number(self, below: int = 256) -> int:
        """Return a number from 0, less than *below*: one byte."""
        return next(iter(self.take(1)), 0) % below

    def one_of(self, choices: Sequence[_T]) -> _T:
        """Return one of these."""
        return choices[self.number(len(choices))]

    def piece(self) -> bytes:
        """Return some bytes as they stand here, behind their number."""
        return self.take(self.one_of(_PIECES))

    def take(self, size: int) -> bytes:
        """Return the next *size* bytes, fewer at the end."""
        taken = self._data[self._position : self._position + size]
        self._position += size
        return taken


def frame(number: int, payload: bytes, port: int = 1, per_chunk: int = 2048) -> bytes:
    """Return a message cut into chunks of *per_chunk* bytes."""
    whole = MESSAGE_HEADER.pack(1, number, 0, len(payload)) + payload
    return b"".join(
        CHUNK_HEADER.pack(port, len(piece)) + piece
        for start in range(0, len(whole), per_chunk)
        if (piece := whole[start : start + per_chunk])
    )


def announcement(request: int, offer: Capabilities) -> bytes:
    """Return an ANNOUNCE_CAPABILITIES in a chunk of its own."""
    message = AnnounceCapabilities(request, offer.to_words())
    return frame(message.number, message.encode(Layout()))


def _grab(given: Input) -> ClipboardGrab:
    types = tuple(given.number(16) for _ in range(given.number(4)))
    return ClipboardGrab(given.number(3), types, given.one_of((None, 0, 1, 2, 2**31)))


def _monitors(given: Input) -> MonitorsConfig:
    one = MonConfig(given.number() * 8, given.number() * 8, 32, given.number(), 0)
    return MonitorsConfig(given.number(2), (one,) * given.number(4))


def _status(given: Input) -> FileXferStatus:
    return FileXferStatus(given.number(8), given.number(8))


#: One for each message class, from the bytes that say what is in its fields.
SAYINGS: tuple[Callable[[Input], Message], ...] = (
    _grab,
    lambda given: ClipboardRequest(given.number(3), given.number(4)),
    lambda given: Clipboard(given.number(3), given.number(4), given.piece()),
    lambda given: ClipboardRelease(given.number(3)),
    lambda given: AnnounceCapabilities(
        given.number(3), given.one_of(OFFERS).to_words()
    ),
    lambda given: FileXferStart(
        given.number(8), given.piece().decode("latin-1"), given.number() ** 4
    ),
    lambda given: FileXferData(given.number(8), given.piece()),
    _status,
    _monitors,
    lambda given: Reply(given.number(6), given.number(3)),
    lambda given: MouseState(given.number(), given.number(), given.number(), 0),
    lambda given: MaxClipboard(given.one_of((-1, 0, 1, 1000, 2**31 - 1))),
    lambda given: DisplayConfig(given.number(), given.number(64)),
    lambda given: AudioVolumeSync(True, False, tuple(given.piece())),
    lambda given: GraphicsDeviceInfo((DeviceDisplayInfo(0, 1, 0, b"pci/0000"),)),
    lambda given: ClientDisconnected(),
    lambda given: Unknown(given.one_of((17, 200, 2**32 - 1)), given.piece()),
)


def message(given: Input) -> Message:
    """Return a message of any type, its fields in range for some layout."""
    return given.one_of(SAYINGS)(given)


def speech(given: Input, layout: Layout) -> bytes:
    """
    Return what a peer says next.

    Half of all is a message in the *layout* that was agreed. Others are in another
    one, damaged in the payload or in the frame, headers with sizes at the edge, or
    any bytes.
    """
    kind = given.number(16)
    if kind == 15:
        return given.piece()
    port = given.one_of((1, 1, 1, 2, 2, 0, 3))
    if kind == 14:
        return _headers(given, port)
    if kind == 13:
        return frame(given.number(18), given.piece(), port)
    said = message(given)
    if kind == 12:
        layout = given.one_of(LAYOUTS)
    try:
        payload = _CODEC.encode(said, layout)
    except LocalProtocolError:
        return b""
    if kind in (10, 11):
        payload = _damaged(given, payload)
    framed = frame(said.number, payload, port, given.one_of((2048, 2048, 20, 1, 21)))
    return _damaged(given, framed) if kind in (8, 9) else framed


def _headers(given: Input, port: int) -> bytes:
    """Return the header of a chunk and that of a message, of any sizes."""
    chunk = CHUNK_HEADER.pack(port, given.one_of(_SIZES))
    protocol, number = given.one_of((1, 1, 1, 0, 2)), given.number(18)
    return chunk + MESSAGE_HEADER.pack(protocol, number, 0, given.one_of(_SIZES))


def _damaged(given: Input, data: bytes) -> bytes:
    """Return *data* cut, or with some of its bytes replaced."""
    at = given.number() % (len(data) + 1)
    new = given.take(given.number(5))
    return data[:at] if not new else data[:at] + new + data[at + len(new) :]
