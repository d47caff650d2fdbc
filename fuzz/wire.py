"""
Any bytes, as a stream of chunks.

Four bytes of an input say whose framing, what layout and which limit are theirs,
and where it is cut into reads; the rest is the stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random
from typing import NamedTuple

from fuzz.memory import kept
from fuzz.speech import LAYOUTS, Input
from vdproxy.errors import RemoteProtocolError
from vdproxy.wire.capabilities import Layout
from vdproxy.wire.chunk import (
    CHUNK_HEADER,
    CLIENT_FRAMING,
    GUEST_FRAMING,
    ChunkReader,
    CutMessage,
    Framing,
    RawMessage,
    SkippedMessage,
)
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import Capability
from vdproxy.wire.messages import ClipboardRelease

_SELECTION = Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION

_FRAMINGS = (CLIENT_FRAMING, GUEST_FRAMING)


class Reading(NamedTuple):
    """The events of a stream, the error that ended it, and where that was."""

    events: list[object]
    error: str
    offset: int


def check(data: bytes) -> None:
    """Check what becomes of an input."""
    given = Input(data)
    framing, layout = given.one_of(_FRAMINGS), given.one_of(LAYOUTS)
    codec = Codec(max_message=given.one_of((30, 2**20)))
    cuts = Random(given.number())
    stream = given.take(len(data))
    whole = _read(codec, framing, [stream])
    singly = _read(codec, framing, (bytes([byte]) for byte in stream))
    assert singly == whole, f"byte by byte {singly}, whole {whole}"
    cut = _read(codec, framing, _cut(stream, cuts))
    assert cut == whole, f"in pieces {cut}, whole {whole}"
    assert whole.offset <= len(stream), "more was read than came"
    assert whole.error or len(stream) - whole.offset < CHUNK_HEADER.size
    for event in whole.events:
        if isinstance(event, RawMessage):
            _check_again(codec, event)
            check_value(codec, event, layout)


def _read(codec: Codec, framing: Framing, pieces: Iterable[bytes]) -> Reading:
    """Read a stream that comes in *pieces*, and keep an eye on what is kept of it."""
    reader = ChunkReader(framing, codec.limit, codec.data_offset)
    events: list[object] = []
    came = 0
    try:
        for piece in pieces:
            reader.receive_data(piece)
            came += len(piece)
            while (event := reader.next_event()) is not None:
                events.append(event)
                assert isinstance(event, RawMessage | SkippedMessage)
                if isinstance(event, RawMessage):
                    came -= event.payload_size
    except RemoteProtocolError as error:
        return Reading(events, str(error), reader.offset)
    assert kept(reader) <= came, f"{kept(reader)} bytes are kept of {came}"
    return Reading(events, "", reader.offset)


def _cut(stream: bytes, cuts: Random) -> Iterator[bytes]:
    start = 0
    while start < len(stream):
        end = start + cuts.choice((1, 7, 8, 9, 19, 20, 21, 28, 100))
        yield stream[start:end]
        start = end


def _check_again(codec: Codec, raw: RawMessage) -> None:
    """Check that a message that is cut into chunks anew reads the same."""
    cut = CutMessage(raw.number, raw.payload, 2, raw.data)
    assert cut.size == sum(map(len, cut))
    again = _read(codec, CLIENT_FRAMING, cut)
    assert again.events == [raw._replace(port=2)], f"{raw} reads as {again}"


def check_value(codec: Codec, raw: RawMessage, layout: Layout) -> None:
    """Check that a payload is refused, or that what it says can be said again."""
    try:
        value = codec.decode(raw, layout)
    except RemoteProtocolError:
        return
    assert value.number == raw.number
    # A RELEASE can tell a selection, by its size, that the layout cannot.
    if (
        isinstance(value, ClipboardRelease)
        and value.selection
        and not layout.agreed(_SELECTION)
    ):
        return
    payload = codec.encode(value, layout)
    again = codec.decode(raw._replace(payload=payload, data=b""), layout)
    assert again == value, f"{value} reads as {again}"
    assert codec.encode(again, layout) == payload
