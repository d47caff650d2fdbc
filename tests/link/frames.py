"""
The bytes that either end of a link says, spelled without the code under test,
and ways to feed them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tests.wire.decoding import frame
from tests.wire.feeding import FOLLOWING, byte_by_byte

#: What spice-vdagent 0.22 announces, and what the Windows agent does.
LINUX = 0x00038DE7
WINDOWS = 0x000006B7

MONITORS_CONFIG = 2
REPLY = 3
CLIPBOARD = 4
ANNOUNCE = 6
GRAB = 7
REQUEST = 8
RELEASE = 9

TEXT = 1


def numbers(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def announce(request: int, *words: int, port: int = 1) -> bytes:
    return frame(ANNOUNCE, numbers(request, *words), port)


def reply(error: int = 1, *, to: int = MONITORS_CONFIG, port: int = 1) -> bytes:
    return frame(REPLY, numbers(to, error), port)


def monitors_config(
    width: int = 1920, height: int = 1080, *, port: int = 1, per_chunk: int = 2048
) -> bytes:
    payload = numbers(1, 0, height, width, 32, 0, 0)
    return frame(MONITORS_CONFIG, payload, port, per_chunk)


def bare_grab(*types: int) -> bytes:
    """Return a GRAB on a link where no prefix was agreed."""
    return frame(GRAB, numbers(*types))


def grab(serial: int, *types: int, selection: int = 0) -> bytes:
    """Return a GRAB on a link with CLIPBOARD_SELECTION and GRAB_SERIAL."""
    return frame(GRAB, numbers(selection, serial, *types))


class Conversation(NamedTuple):
    """What a link reported, and what it wanted to say, as bytes."""

    events: list[Any]
    sent: bytes


def sent(link: Any) -> bytes:
    """Return what a link wants to say, as bytes."""
    return b"".join(b"".join(message) for message in link.messages_to_send())


def spelled(link: Any, message: Any) -> bytes:
    """Return a message as the link would send it."""
    return b"".join(link.encode(message))


def events_of(link: Any) -> list[Any]:
    events = []
    while (event := link.next_event()) is not None:
        events.append(event)
    return events


def feed(link: Any, *pieces: bytes) -> Conversation:
    """Give a link these pieces, one read each."""
    events: list[Any] = []
    said = b""
    for piece in pieces:
        link.receive_data(piece)
        events += events_of(link)
        said += sent(link)
    return Conversation(events, said)


def feed_each_way(
    make_link: Callable[[], Any], stream: bytes, following: bytes = FOLLOWING
) -> Conversation:
    """
    Return what comes of *stream*, whole and byte by byte alike, and alike with
    *following* behind it in the same read and in one of its own.
    """
    whole = feed(make_link(), stream)
    single = feed(make_link(), *byte_by_byte(stream))
    assert single == whole, f"byte by byte {single}\nis not, whole, {whole}"
    more = feed(make_link(), stream + following)
    apart = feed(make_link(), stream, following)
    assert more == apart, f"in one read {more}\nis not, in two, {apart}"
    return whole


def in_reads(stream: bytes, size: int = 65536) -> Iterable[bytes]:
    """Cut a stream into reads of *size* bytes."""
    return (stream[start : start + size] for start in range(0, len(stream), size))
