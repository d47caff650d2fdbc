"""Payloads on their way through a ChunkReader and a Codec."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import pytest

from tests.wire.feeding import feed_each_way
from vdproxy.errors import LocalProtocolError, RemoteProtocolError
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.chunk import (
    CLIENT_FRAMING,
    GUEST_FRAMING,
    ChunkReader,
    Framing,
    RawMessage,
)
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import Capability
from vdproxy.wire.messages import Message

_SELECTION = Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION
_SERIAL = Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL

NEITHER = Layout()
S = Layout(Capabilities.of(_SELECTION))
G = Layout(Capabilities.of(_SERIAL))
SG = Layout(Capabilities.of(_SELECTION, _SERIAL))
LAYOUTS = (NEITHER, S, G, SG)
LAYOUT_NAMES = ("neither", "S", "G", "SG")

each_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=LAYOUT_NAMES)
each_framing = pytest.mark.parametrize(
    "framing", [CLIENT_FRAMING, GUEST_FRAMING], ids=["client", "guest"]
)


def chunk(body: bytes, port: int = 1, size: int | None = None) -> bytes:
    """Return a chunk; *size* is what its header claims."""
    return struct.pack("<II", port, len(body) if size is None else size) + body


def message(
    number: int, payload: bytes = b"", *, protocol: int = 1, size: int | None = None
) -> bytes:
    """Return a message not yet cut into chunks; *size* is its header's claim."""
    claim = len(payload) if size is None else size
    return struct.pack("<IIQI", protocol, number, 0, claim) + payload


def frame(
    number: int, payload: bytes = b"", port: int = 1, per_chunk: int = 2048
) -> bytes:
    """Return a message cut into chunks of *per_chunk* bytes."""
    whole = message(number, payload)
    return b"".join(
        chunk(whole[start : start + per_chunk], port)
        for start in range(0, len(whole), per_chunk)
    )


def chunk_reader(framing: Framing, codec: Codec | None = None, **options: int) -> Any:
    codec = codec or Codec()
    return ChunkReader(framing, codec.limit, codec.data_offset, **options)


def raw(number: int, payload: bytes = b"", port: int = 1) -> RawMessage:
    """Return a message as a reader gives it out: a bulk type's data by themselves."""
    start = Codec().data_offset(number)
    if start is None:
        return RawMessage(port, number, payload)
    return RawMessage(port, number, payload[:start], payload[start:])


@dataclass(frozen=True)
class Refusal:
    """A payload that is none of its type, in a frame that is in order."""

    text: str


class Decoder:
    """Messages instead of raw messages; a refused payload is an event too."""

    def __init__(self, framing: Framing, codec: Codec, layout: Layout) -> None:
        self._reader = chunk_reader(framing, codec)
        self._codec = codec
        self._layout = layout

    def receive_data(self, data: bytes) -> None:
        self._reader.receive_data(data)

    def next_event(self) -> Any:
        event = self._reader.next_event()
        if not isinstance(event, RawMessage):
            return event
        try:
            return self._codec.decode(event, self._layout)
        except RemoteProtocolError as error:
            return Refusal(str(error))


def _both_framings(
    number: int, payload: bytes, layout: Layout, codec: Codec | None
) -> Any:
    """Return the outcome of a payload: the same as chunks and as one chunk."""
    codec = codec or Codec()
    client = feed_each_way(
        lambda: Decoder(CLIENT_FRAMING, codec, layout), frame(number, payload)
    )
    guest = feed_each_way(
        lambda: Decoder(GUEST_FRAMING, codec, layout), chunk(message(number, payload))
    )
    assert guest.events == client.events, f"{guest} is not {client}"
    assert bool(guest.error) == bool(client.error), f"{guest} is not {client}"
    return client


def decode_each_way(
    number: int, payload: bytes, layout: Layout = NEITHER, codec: Codec | None = None
) -> Message:
    """Return the value of a payload that came in every way it may come in."""
    outcome = _both_framings(number, payload, layout, codec)
    assert outcome.error is None, outcome.error
    (value,) = outcome.events
    assert isinstance(value, Message), value
    return value


def refuse_payload_each_way(
    number: int, payload: bytes, layout: Layout = NEITHER, codec: Codec | None = None
) -> str:
    """Return why a payload is refused, in a stream that goes on behind it."""
    outcome = _both_framings(number, payload, layout, codec)
    assert outcome.error is None, outcome.error
    (refusal,) = outcome.events
    assert isinstance(refusal, Refusal), f"taken for {refusal}"
    return refusal.text


def refuse_size_each_way(
    number: int, payload: bytes, layout: Layout = NEITHER, codec: Codec | None = None
) -> str:
    """Return why a message of this size ends its stream."""
    outcome = _both_framings(number, payload, layout, codec)
    assert outcome.events == [], f"taken for {outcome.events}"
    assert outcome.error is not None
    return outcome.error


def refuse_decoding(number: int, payload: bytes, layout: Layout = NEITHER) -> str:
    """Return why the codec refuses a payload that no reader has looked at."""
    with pytest.raises(RemoteProtocolError) as caught:
        Codec().decode(RawMessage(1, number, payload), layout)
    return str(caught.value)


def refuse_encoding(value: Message, layout: Layout = NEITHER) -> str:
    with pytest.raises(LocalProtocolError) as caught:
        Codec().encode(value, layout)
    return str(caught.value)


def check_vector(number: int, spelling: str, layout: Layout, value: Message) -> None:
    """Check that these hex digits and this value stand for each other."""
    payload = bytes.fromhex(spelling)
    assert decode_each_way(number, payload, layout) == value
    assert Codec().encode(value, layout) == payload
    assert value.number == number
