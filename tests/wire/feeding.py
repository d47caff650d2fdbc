"""
Streams for readers, cut up in every way that must not matter.

A reader is anything with ``receive_data`` and ``next_event``, so the layers
above the wire format use this module too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from vdproxy.errors import RemoteProtocolError

#: A whole message to come behind another one: a REPLY that a MONITORS_CONFIG
#: has succeeded, on the client port.
FOLLOWING = bytes.fromhex(
    "01000000 1c00000001000000 03000000 0000000000000000 0800000002000000 01000000"
)

#: Streams up to this many bytes are fed byte by byte throughout; of longer ones
#: this many bytes in all, at both ends, where the headers are.
_SINGLE_BYTES = 32 * 1024


class Reader(Protocol):
    def receive_data(self, data: bytes) -> None: ...

    def next_event(self) -> Any: ...


@dataclass(frozen=True)
class Outcome:
    """The events of a stream, and the text of the error that ended it, if any."""

    events: list[Any]
    error: str | None = None


def feed(reader: Reader, pieces: Iterable[bytes]) -> Outcome:
    """Give a reader these pieces, taking out what there is after each."""
    events: list[Any] = []
    try:
        for piece in pieces:
            reader.receive_data(piece)
            while (event := reader.next_event()) is not None:
                events.append(event)
    except RemoteProtocolError as error:
        return Outcome(events, str(error))
    return Outcome(events)


def byte_by_byte(stream: bytes) -> list[bytes]:
    if len(stream) <= _SINGLE_BYTES:
        return [bytes([byte]) for byte in stream]
    end = _SINGLE_BYTES // 2
    return [
        *byte_by_byte(stream[:end]),
        stream[end:-end],
        *byte_by_byte(stream[-end:]),
    ]


def feed_each_way(
    make_reader: Callable[[], Reader],
    stream: bytes,
    following: bytes = FOLLOWING,
    tail: list[Any] | None = None,
) -> Outcome:
    """
    Return what a stream of whole messages amounts to, having fed it whole,
    byte by byte and with *following* behind it in the same read.

    All three must come to the same. What follows comes out as *tail*, by
    default what it amounts to for a new reader, unless the stream is in error:
    then it stays unread.
    """
    whole = feed(make_reader(), [stream])
    single = feed(make_reader(), byte_by_byte(stream))
    assert single == whole, f"byte by byte {single}\nis not, whole, {whole}"
    if tail is None:
        alone = feed(make_reader(), [following])
        assert alone.error is None, alone.error
        tail = alone.events
    assert tail, "what follows has no events"
    more = feed(make_reader(), [stream + following])
    expected = Outcome([*whole.events, *([] if whole.error else tail)], whole.error)
    assert more == expected, f"with more behind it {more}\nis not {expected}"
    return whole
