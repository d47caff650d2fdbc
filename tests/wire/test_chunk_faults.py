from __future__ import annotations

import pytest

from tests.wire.decoding import (
    chunk,
    chunk_reader,
    each_framing,
    message,
    raw,
)
from tests.wire.feeding import (
    FOLLOWING,
    byte_by_byte,
)
from tests.wire.reading import (
    ANNOUNCE,
    CLIPBOARD,
    FILE_DATA,
    REPLY,
    UNDEFINED,
    read,
    refuse,
)
from vdproxy.errors import RemoteProtocolError
from vdproxy.wire.chunk import (
    CLIENT_FRAMING,
    GUEST_FRAMING,
)

# What a client may not send. The offset is that of the chunk where its header
# is at fault, and the end of the message's header where that one is.

CLIENT_FAULTS = {
    "port 0": (chunk(message(3, b"12345678"), 0), "chunk for port 0", 0),
    "port 3": (chunk(message(3, b"12345678"), 3), "chunk for port 3", 0),
    "largest port": (chunk(b"", 2**32 - 1), f"chunk for port {2**32 - 1}", 0),
    "empty chunk": (chunk(b""), "chunk of 0 bytes", 0),
    "chunk over 2048": (chunk(message(CLIPBOARD, bytes(2029))), "chunk of 2049", 0),
    "largest chunk": (chunk(b"", size=2**32 - 1), f"chunk of {2**32 - 1}", 0),
    "empty chunk in a message": (
        chunk(message(CLIPBOARD, b"abcd", size=8)) + chunk(b""),
        "chunk of 0 bytes",
        32,
    ),
    "message over the limit of a bulk type": (
        chunk(message(CLIPBOARD, size=100 * 2**20 + 9)),
        "message of type 4 with 104857609 bytes",
        28,
    ),
}

BOTH_FAULTS = {
    "protocol 0": (chunk(message(3, b"12345678", protocol=0)), "protocol 0", 28),
    "protocol 2": (chunk(message(3, b"12345678", protocol=2)), "protocol 2", 28),
    "type 0": (chunk(message(0, b"1234")), "message of type 0", 28),
    "largest message": (
        chunk(message(UNDEFINED, size=2**32 - 1)),
        f"message of type {UNDEFINED} with {2**32 - 1} bytes",
        28,
    ),
    "largest bulk message": (
        chunk(message(CLIPBOARD, size=2**32 - 1)),
        f"message of type 4 with {2**32 - 1} bytes",
        28,
    ),
    "bulk message of 2 GiB": (
        chunk(message(FILE_DATA, size=2**31)),
        f"message of type 12 with {2**31} bytes",
        28,
    ),
    "message over the limit of a small type": (
        chunk(message(ANNOUNCE, bytes(40))),
        "message of type 6 with 40 bytes, more than 36",
        28,
    ),
    "message over the limit of an undefined type": (
        chunk(message(UNDEFINED, size=2**20 + 1)),
        f"message of type {UNDEFINED} with {2**20 + 1} bytes",
        28,
    ),
    "chunk beyond the message it begins": (
        chunk(message(3, b"12345678" + b"9", size=8)),
        "chunk with 9 bytes for a message of 8",
        28,
    ),
    "chunk beyond a message without payload": (
        chunk(message(13) + b"1"),
        "chunk with 1 bytes for a message of 0",
        28,
    ),
    "two messages in a chunk": (
        chunk(message(3, b"12345678") + message(3, b"12345678")),
        "chunk with 36 bytes for a message of 8",
        28,
    ),
    "chunk beyond a message whose header was split": (
        chunk(message(3)[:11]) + chunk(message(3, size=8)[11:] + b"123456789"),
        "chunk with 9 bytes for a message of 8",
        36,
    ),
    "later chunk beyond its message": (
        chunk(message(3, b"1234", size=8)) + chunk(b"56789"),
        "chunk of 5 bytes where its message has 4 left",
        32,
    ),
    "later chunk beyond its message, another port between": (
        chunk(message(3, b"1234", size=8), 2)
        + chunk(message(UNDEFINED, b"1234", size=12), 1)
        + chunk(b"56789", 2),
        "chunk of 5 bytes where its message has 4 left",
        64,
    ),
}

GUEST_FAULTS = {
    "port 3": CLIENT_FAULTS["port 3"],
    "largest port": CLIENT_FAULTS["largest port"],
    "largest chunk": CLIENT_FAULTS["largest chunk"],
    "message over the limit of the mouse": (
        chunk(message(1, bytes(14))),
        "message of type 1 with 14 bytes, more than 13",
        28,
    ),
}


def faults(table):
    return pytest.mark.parametrize(
        ("stream", "what", "offset"), table.values(), ids=table
    )


@faults(CLIENT_FAULTS | BOTH_FAULTS)
def test_a_client_is_refused_and_told_where(stream, what, offset):
    said, at = refuse(stream, CLIENT_FRAMING)
    assert said.startswith((what, f"message of {what}"))
    assert at == offset


@faults(GUEST_FAULTS | BOTH_FAULTS)
def test_a_guest_is_refused_and_told_where(stream, what, offset):
    said, at = refuse(stream, GUEST_FRAMING)
    assert said.startswith((what, f"message of {what}"))
    assert at == offset


@each_framing
@pytest.mark.parametrize(
    "header", [chunk(b"", 3), chunk(message(3, protocol=2)), chunk(message(0, size=9))]
)
def test_a_fault_is_found_before_anything_behind_its_header_has_come(framing, header):
    reader = chunk_reader(framing)
    for byte in byte_by_byte(header[:-1]):
        reader.receive_data(byte)
        assert reader.next_event() is None
    reader.receive_data(header[-1:])
    with pytest.raises(RemoteProtocolError):
        reader.next_event()


def test_a_client_may_fill_its_chunks():
    stream = chunk(message(CLIPBOARD, bytes(2028)))
    assert len(stream) == 2048 + 8
    assert read(stream, CLIENT_FRAMING) == [raw(CLIPBOARD, bytes(2028))]


@each_framing
def test_messages_before_an_error_in_the_same_read_are_delivered(framing):
    reader = chunk_reader(framing)
    reader.receive_data(FOLLOWING + FOLLOWING + chunk(b"", 7) + FOLLOWING)
    assert [reader.next_event(), reader.next_event()] == [REPLY, REPLY]
    with pytest.raises(RemoteProtocolError, match=r"port 7, .*, at byte 72$"):
        reader.next_event()
