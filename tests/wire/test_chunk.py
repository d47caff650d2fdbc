from __future__ import annotations

import itertools
import re
import struct
import tracemalloc
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.decoding import (
    chunk,
    chunk_reader,
    each_framing,
    frame,
    message,
)
from tests.wire.feeding import (
    FOLLOWING,
    Outcome,
    byte_by_byte,
    feed,
    feed_each_way,
)
from tests.wire.strategies import broken_streams, framings
from vdproxy.errors import RemoteProtocolError
from vdproxy.wire.chunk import (
    CLIENT_FRAMING,
    GUEST_FRAMING,
    Assembling,
    ChunkHeader,
    CutMessage,
    RawMessage,
    SkippedMessage,
)
from vdproxy.wire.codec import Codec

CLIPBOARD = 4
ANNOUNCE = 6
FILE_DATA = 12
UNDEFINED = 1000

REPLY = RawMessage(1, 3, bytes.fromhex("02000000 01000000"))

each_port = pytest.mark.parametrize("port", [1, 2])


def read(stream, framing=GUEST_FRAMING, codec=None, **options):
    outcome = feed_each_way(lambda: chunk_reader(framing, codec, **options), stream)
    assert outcome.error is None, outcome.error
    return outcome.events


def refuse(stream, framing, codec=None):
    """
    Return the error of a stream that has FOLLOWING before it, and the offset
    that the error tells.
    """
    outcome = feed_each_way(lambda: chunk_reader(framing, codec), FOLLOWING + stream)
    assert outcome.events == [REPLY]
    assert outcome.error is not None, "taken without an error"
    what, offset = re.fullmatch(r"(.*), at byte (\d+)", outcome.error).groups()
    return what, int(offset) - len(FOLLOWING)


@contextmanager
def traced():
    """Give a function that tells the bytes allocated since, and their peak."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        yield lambda: tuple(n - before for n in tracemalloc.get_traced_memory())
    finally:
        tracemalloc.stop()


# Messages as they come


@each_framing
def test_a_message_in_one_chunk(framing):
    assert read(FOLLOWING, framing) == [REPLY]


@each_framing
@each_port
def test_a_message_bears_the_port_of_its_chunks(framing, port):
    assert read(frame(3, REPLY.payload, port), framing) == [REPLY._replace(port=port)]


@each_framing
def test_a_message_without_payload(framing):
    stream = bytes.fromhex(
        "02000000 14000000 01000000 0d000000 0000000000000000 00000000"
    )
    assert read(stream, framing) == [RawMessage(2, 13, b"")]


@each_framing
def test_the_announcement_of_vdagentd(framing):
    stream = bytes.fromhex(
        "01000000 1c00000001000000 06000000 0000000000000000 0800000001000000 e78d0300"
    )
    assert len(stream) == 36
    assert read(stream, framing) == [
        RawMessage(1, 6, bytes.fromhex("01000000 e78d0300"))
    ]


@each_framing
def test_the_release_of_one_byte_that_vdagentd_sends_when_its_session_dies(framing):
    stream = bytes.fromhex(
        "01000000 15000000 01000000 09000000 0000000000000000 01000000 01"
    )
    assert read(stream, framing) == [RawMessage(1, 9, b"\x01")]


@each_framing
def test_the_opaque_field_is_not_looked_at(framing):
    head = struct.pack("<IIQI", 1, 3, 2**64 - 1, 8)
    assert read(chunk(head + REPLY.payload), framing) == [REPLY]


@each_framing
@pytest.mark.parametrize("per_chunk", [1, 2, 19, 20, 21, 27, 28])
def test_a_header_and_a_payload_may_be_spread_over_chunks(framing, per_chunk):
    stream = frame(3, REPLY.payload, per_chunk=per_chunk)
    assert read(stream, framing) == [REPLY]


@each_framing
def test_messages_one_after_the_other(framing):
    payloads = [bytes([n]) * n for n in range(30)]
    stream = b"".join(frame(UNDEFINED + n, p) for n, p in enumerate(payloads))
    expected = [RawMessage(1, UNDEFINED + n, p) for n, p in enumerate(payloads)]
    assert read(stream, framing) == expected


@each_framing
def test_each_port_has_its_own_message_in_progress(framing):
    first, second = b"first" * 500, b"second" * 400
    one = [chunk(piece, 1) for piece in in_pieces(message(CLIPBOARD, first), 700)]
    two = [chunk(piece, 2) for piece in in_pieces(message(UNDEFINED, second), 700)]
    assert len(one) == len(two) == 4
    stream = b"".join(a + b for a, b in zip(one, two, strict=True))
    assert read(stream, framing) == [
        RawMessage(1, CLIPBOARD, first),
        RawMessage(2, UNDEFINED, second),
    ]


@each_framing
def test_ports_may_be_interleaved_inside_message_headers(framing):
    one = [chunk(piece, 1) for piece in in_pieces(message(3, b"12345678"), 7)]
    two = [chunk(piece, 2) for piece in in_pieces(message(5, b"abcdefgh"), 7)]
    stream = b"".join(a + b for a, b in zip(one, two, strict=True))
    assert read(stream, framing) == [
        RawMessage(1, 3, b"12345678"),
        RawMessage(2, 5, b"abcdefgh"),
    ]


@each_framing
def test_a_whole_message_may_pass_between_the_chunks_of_another_port(framing):
    head, tail = in_pieces(message(CLIPBOARD, b"x" * 60), 40)
    stream = chunk(head, 2) + FOLLOWING + chunk(tail, 2)
    assert read(stream, framing) == [REPLY, RawMessage(2, CLIPBOARD, b"x" * 60)]


@each_framing
def test_what_is_not_read_at_once_is_not_lost(framing):
    reader = chunk_reader(framing)
    for byte in byte_by_byte(FOLLOWING * 3):
        reader.receive_data(byte)
    assert feed(reader, [FOLLOWING]).events == [REPLY] * 4


@each_framing
def test_a_reader_that_has_nothing_has_no_event(framing):
    reader = chunk_reader(framing)
    assert reader.next_event() is None
    reader.receive_data(b"")
    assert reader.next_event() is None


def in_pieces(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


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
    assert read(stream, CLIENT_FRAMING) == [RawMessage(1, CLIPBOARD, bytes(2028))]


@each_framing
def test_messages_before_an_error_in_the_same_read_are_delivered(framing):
    reader = chunk_reader(framing)
    reader.receive_data(FOLLOWING + FOLLOWING + chunk(b"", 7) + FOLLOWING)
    assert [reader.next_event(), reader.next_event()] == [REPLY, REPLY]
    with pytest.raises(RemoteProtocolError, match=r"port 7, .*, at byte 72$"):
        reader.next_event()


# What only a guest may send


def test_port_0_of_a_guest_counts_as_port_1():
    assert read(frame(3, REPLY.payload, port=0)) == [REPLY]


def test_a_message_of_a_guest_may_change_from_port_0_to_port_1():
    head, tail = in_pieces(message(3, REPLY.payload), 24)
    assert read(chunk(head, 0) + chunk(tail, 1)) == [REPLY]
    assert read(chunk(head, 1) + chunk(tail, 0)) == [REPLY]


@pytest.mark.parametrize("port", [0, 1, 2])
def test_empty_chunks_of_a_guest_are_ignored(port):
    empty = chunk(b"", port)
    whole = message(3, REPLY.payload)
    stream = empty.join([b"", *(chunk(piece) for piece in in_pieces(whole, 6)), b""])
    assert read(stream) == [REPLY]


@pytest.mark.parametrize("size", [2029, 100_000, 10_000_000])
def test_a_guest_may_send_a_message_of_any_size_as_one_chunk(size):
    payload = bytes(range(256)) * (size // 256) + b"end"
    assert read(chunk(message(CLIPBOARD, payload))) == [
        RawMessage(1, CLIPBOARD, payload)
    ]


@pytest.mark.parametrize("per_chunk", [1, 19, 100, 2048, 10_000])
@each_port
def test_a_bulk_message_over_its_limit_is_skipped_once(port, per_chunk):
    codec = Codec(max_message=1000)
    stream = frame(CLIPBOARD, bytes(3000), port, per_chunk)
    assert read(stream, codec=codec) == [SkippedMessage(port, CLIPBOARD, 3000)]


@pytest.mark.parametrize(
    ("number", "most"), [(CLIPBOARD, 8 + 1000), (FILE_DATA, 12 + 1000)]
)
def test_the_limit_of_a_bulk_message_is_that_of_its_data(number, most):
    codec = Codec(max_message=1000)
    fits, over = bytes(most), bytes(most + 1)
    assert read(chunk(message(number, fits)), codec=codec) == [
        RawMessage(1, number, fits)
    ]
    assert read(chunk(message(number, over)), codec=codec) == [
        SkippedMessage(1, number, most + 1)
    ]
    assert read(frame(number, fits), CLIENT_FRAMING, codec) == [
        RawMessage(1, number, fits)
    ]
    said, _ = refuse(frame(number, over), CLIENT_FRAMING, codec)
    assert said.endswith(f"more than {most}")


def test_messages_of_another_port_pass_while_one_is_skipped():
    codec = Codec(max_message=0)
    skipped = [chunk(piece, 2) for piece in in_pieces(message(CLIPBOARD, bytes(90)), 6)]
    stream = FOLLOWING.join(skipped)
    events = read(stream, codec=codec)
    assert events.count(REPLY) == len(skipped) - 1
    assert events.count(SkippedMessage(2, CLIPBOARD, 90)) == 1
    assert len(events) == len(skipped)


def test_two_messages_may_be_skipped_one_after_the_other():
    codec = Codec(max_message=0)
    stream = chunk(message(CLIPBOARD, bytes(90))) + chunk(message(CLIPBOARD, bytes(9)))
    assert read(stream, codec=codec) == [
        SkippedMessage(1, CLIPBOARD, 90),
        SkippedMessage(1, CLIPBOARD, 9),
    ]


def test_the_largest_message_that_can_be_skipped_has_31_bits():
    reader = chunk_reader(GUEST_FRAMING)
    reader.receive_data(chunk(message(CLIPBOARD), size=2**31 - 1 + 20)[:8])
    reader.receive_data(message(CLIPBOARD, size=2**31 - 1))
    assert reader.next_event() == SkippedMessage(1, CLIPBOARD, 2**31 - 1)
    assert reader.next_event() is None
    assert reader.assembling == Assembling(CLIPBOARD, 0, 2**31 - 1)


# What a reader tells of itself


def test_chunk_headers_are_told_where_asked_for():
    stream = chunk(b"", 0) + frame(3, REPLY.payload, 2, per_chunk=18)
    assert read(stream, report_chunks=True) == [
        ChunkHeader(1, 0),
        ChunkHeader(2, 18),
        ChunkHeader(2, 10),
        REPLY._replace(port=2),
    ]


def test_chunk_headers_of_a_skipped_message_are_told_too():
    stream = frame(CLIPBOARD, bytes(40), per_chunk=30)
    assert read(stream, codec=Codec(max_message=0), report_chunks=True) == [
        ChunkHeader(1, 30),
        SkippedMessage(1, CLIPBOARD, 40),
        ChunkHeader(1, 30),
    ]


def test_a_chunk_header_is_told_before_its_bytes_have_come():
    reader = chunk_reader(CLIENT_FRAMING, report_chunks=True)
    reader.receive_data(FOLLOWING[:8])
    assert reader.next_event() == ChunkHeader(1, 28)
    assert reader.next_event() is None


@each_framing
@pytest.mark.parametrize("per_chunk", [1, 9, 28])
def test_every_byte_but_the_last_leaves_the_reader_unfinished(framing, per_chunk):
    reader = chunk_reader(framing)
    assert not reader.unfinished
    for byte in byte_by_byte(frame(3, REPLY.payload, per_chunk=per_chunk))[:-1]:
        assert feed(reader, [byte]) == Outcome([])
        assert reader.unfinished
    assert feed(reader, [REPLY.payload[-1:]]) == Outcome([REPLY])
    assert not reader.unfinished


@each_framing
def test_a_message_on_either_port_leaves_the_reader_unfinished(framing):
    reader = chunk_reader(framing)
    begun = chunk(message(3, REPLY.payload)[:5], 2)
    assert feed(reader, [begun, FOLLOWING]).events == [REPLY]
    assert reader.unfinished


@each_framing
def test_a_message_that_has_not_been_read_leaves_the_reader_unfinished(framing):
    reader = chunk_reader(framing)
    reader.receive_data(FOLLOWING)
    assert reader.unfinished
    assert reader.next_event() == REPLY
    assert not reader.unfinished


def test_a_skipped_message_leaves_the_reader_unfinished_to_its_end():
    reader = chunk_reader(GUEST_FRAMING, Codec(max_message=0))
    stream = chunk(message(CLIPBOARD, bytes(30)))
    assert feed(reader, [stream[:-1]]).events == [SkippedMessage(1, CLIPBOARD, 30)]
    assert reader.unfinished
    assert feed(reader, [stream[-1:]]).events == []
    assert not reader.unfinished


def test_an_empty_chunk_does_not_leave_the_reader_unfinished():
    reader = chunk_reader(GUEST_FRAMING)
    assert feed(reader, [chunk(b"")]) == Outcome([])
    assert not reader.unfinished


@each_framing
def test_assembling_tells_how_far_a_message_has_come(framing):
    reader = chunk_reader(framing)
    stream = chunk(message(CLIPBOARD, b"payload!"))
    for count, byte in enumerate(byte_by_byte(stream)[:-1], 1):
        feed(reader, [byte])
        come = count - 28
        expected = Assembling(CLIPBOARD, come, 8) if come >= 0 else None
        assert reader.assembling == expected
    feed(reader, [stream[-1:]])
    assert reader.assembling is None


def test_assembling_counts_what_is_skipped():
    reader = chunk_reader(GUEST_FRAMING, Codec(max_message=0))
    feed(reader, [chunk(message(CLIPBOARD, bytes(30)))[:-10]])
    assert reader.assembling == Assembling(CLIPBOARD, 20, 30)


@each_framing
def test_assembling_tells_of_the_client_port_first(framing):
    reader = chunk_reader(framing)
    feed(reader, [chunk(message(CLIPBOARD, b"12", size=8), 2)])
    assert reader.assembling == Assembling(CLIPBOARD, 2, 8)
    feed(reader, [chunk(message(UNDEFINED, b"123", size=9), 1)])
    assert reader.assembling == Assembling(UNDEFINED, 3, 9)
    feed(reader, [chunk(b"456789", 1)])
    assert reader.assembling == Assembling(CLIPBOARD, 2, 8)


@each_framing
def test_the_offset_counts_the_bytes_taken_in(framing):
    reader = chunk_reader(framing)
    assert reader.offset == 0
    reader.receive_data(FOLLOWING + FOLLOWING[:30])
    assert reader.offset == 0
    assert reader.next_event() == REPLY
    assert reader.offset == 36
    assert reader.next_event() is None
    assert reader.offset == 66
    reader.receive_data(FOLLOWING[30:])
    assert reader.next_event() == REPLY
    assert reader.offset == 72


@each_framing
def test_the_offset_counts_from_where_the_stream_starts(framing):
    reader = chunk_reader(framing, start=1000)
    assert reader.offset == 1000
    assert feed(reader, [FOLLOWING]) == Outcome([REPLY])
    assert reader.offset == 1036
    assert feed(reader, [chunk(b"", 9)]).error.endswith(", at byte 1036")


def test_the_offset_counts_what_is_skipped():
    reader = chunk_reader(GUEST_FRAMING, Codec(max_message=0))
    stream = chunk(message(CLIPBOARD, bytes(3000)))
    feed(reader, byte_by_byte(stream))
    assert reader.offset == len(stream)


# Memory


@each_framing
@pytest.mark.parametrize("size", [100_000_000, 100 * 2**20])
def test_a_header_alone_allocates_nothing_of_the_size_it_announces(framing, size):
    header = message(CLIPBOARD, size=size)
    stream = chunk(header, size=20 + size if framing is GUEST_FRAMING else 20)
    reader = chunk_reader(framing)
    with traced() as memory:
        assert feed(reader, [stream]) == Outcome([])
        _, peak = memory()
    assert reader.assembling == Assembling(CLIPBOARD, 0, size)
    assert peak < 16 * 1024


@pytest.mark.parametrize("piece", [1, 2, 5])
def test_a_payload_in_tiny_reads_costs_little_more_than_its_bytes(piece):
    payload = bytes(range(250)) * 800
    assert len(payload) == 200_000
    stream = chunk(message(CLIPBOARD, payload))
    reader = chunk_reader(GUEST_FRAMING)
    with traced() as memory:
        for start in range(0, len(stream) - piece, piece):
            reader.receive_data(stream[start : start + piece])
            assert reader.next_event() is None
        held, peak = memory()
    assert held < 2 * len(payload)
    assert peak < 2 * len(payload)
    assert feed(reader, [stream[start + piece :]]).events == [
        RawMessage(1, CLIPBOARD, payload)
    ]


@each_framing
def test_a_payload_in_chunks_of_one_byte_costs_little_more_than_its_bytes(framing):
    payload = bytes(range(250)) * 200
    stream = frame(CLIPBOARD, payload, per_chunk=1)
    reader = chunk_reader(framing)
    with traced() as memory:
        for start in range(0, len(stream) - 9, 9):
            reader.receive_data(stream[start : start + 9])
            assert reader.next_event() is None
        held, peak = memory()
    assert held < 3 * len(payload)
    assert peak < 3 * len(payload)
    assert feed(reader, [stream[-9:]]).events == [RawMessage(1, CLIPBOARD, payload)]


@each_framing
def test_a_reader_holds_no_more_than_has_come(framing):
    stream = b"".join(CutMessage(CLIPBOARD, bytes(4_000_000)))
    *reads, last = in_pieces(stream, 64 * 1024)
    reader = chunk_reader(framing)
    with traced() as memory:
        come = 0
        for data in reads:
            reader.receive_data(data)
            assert reader.next_event() is None
            come += len(data)
            held, _ = memory()
            assert held < 1.1 * come + 16 * 1024
        reader.receive_data(last)
        event = reader.next_event()
        assert event == RawMessage(1, CLIPBOARD, bytes(4_000_000))
        del event
        held, _ = memory()
    assert held < 16 * 1024


@each_framing
def test_a_reader_keeps_nothing_of_a_message_it_has_given_out(framing):
    reader = chunk_reader(framing)
    with traced() as memory:
        stream = b"".join(CutMessage(CLIPBOARD, bytes(4_000_000)))
        (event,) = feed(reader, [stream]).events
        assert len(event.payload) == 4_000_000
        assert not reader.unfinished
        del event, stream
        held, _ = memory()
    assert held < 16 * 1024


def test_a_skipped_message_is_not_kept():
    reader = chunk_reader(GUEST_FRAMING, Codec(max_message=1000))
    piece = bytes(50_000)
    with traced() as memory:
        reader.receive_data(chunk(message(CLIPBOARD, size=5_000_000), size=5_000_020))
        assert reader.next_event() == SkippedMessage(1, CLIPBOARD, 5_000_000)
        for _ in range(99):
            reader.receive_data(piece)
            assert reader.next_event() is None
        held, peak = memory()
    assert reader.assembling == Assembling(CLIPBOARD, 4_950_000, 5_000_000)
    assert held < 100_000
    assert peak < 200_000


# Cutting


def chunks_of(stream):
    """Return port and body of each chunk, read with no help from vdproxy."""
    found = []
    while stream:
        port, size = struct.unpack_from("<II", stream)
        body = stream[8 : 8 + size]
        assert len(body) == size, "a chunk is cut off"
        found.append((port, body))
        stream = stream[8 + size :]
    return found


EDGES = [
    0,
    1,
    2027,
    2028,
    2029,
    2028 + 2047,
    2028 + 2048,
    2028 + 2049,
    2**16 - 20,
    2**16 - 19,
    2**16,
    2**17 - 20,
    2**17 - 19,
    200_000,
]


def payload_of(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def test_a_small_message_is_one_chunk():
    (write,) = CutMessage(3, REPLY.payload)
    assert write == FOLLOWING


@pytest.mark.parametrize("size", EDGES)
@each_port
def test_a_message_is_cut_into_chunks_that_every_peer_takes(size, port):
    payload = payload_of(size)
    chunks = chunks_of(b"".join(CutMessage(CLIPBOARD, payload, port)))
    assert {seen for seen, _ in chunks} == {port}
    bodies = [body for _, body in chunks]
    assert bodies[0][:20] == struct.pack("<IIQI", 1, CLIPBOARD, 0, size)
    assert all(len(body) == 2048 for body in bodies[:-1])
    assert 1 <= len(bodies[-1]) <= 2048
    assert b"".join(bodies)[20:] == payload


@pytest.mark.parametrize("size", EDGES)
def test_a_message_is_written_in_64_kib_at_most_of_whole_chunks(size):
    writes = list(CutMessage(CLIPBOARD, payload_of(size)))
    assert len(writes) == -(-(size + 20) // 2**16)
    for write in writes:
        assert sum(len(body) for _, body in chunks_of(write)) <= 2**16


@pytest.mark.parametrize("size", EDGES)
def test_a_cut_message_tells_its_size_on_the_wire(size):
    cut = CutMessage(CLIPBOARD, payload_of(size))
    assert cut.size == sum(len(write) for write in cut)


def test_a_cut_message_can_be_written_more_than_once():
    cut = CutMessage(CLIPBOARD, payload_of(5000))
    assert list(cut) == list(cut)


@each_framing
@pytest.mark.parametrize("size", EDGES)
def test_a_reader_reads_back_what_was_cut(framing, size):
    payload = payload_of(size)
    stream = b"".join(CutMessage(CLIPBOARD, payload, 2))
    assert read(stream, framing) == [RawMessage(2, CLIPBOARD, payload)]


def test_no_chunk_holds_parts_of_two_messages():
    sizes = [0, 1, 2028, 2029, 5000]
    stream = b"".join(
        b"".join(CutMessage(UNDEFINED + n, payload_of(size)))
        for n, size in enumerate(sizes)
    )
    heads = [chunks_of(b"".join(CutMessage(1, payload_of(size)))) for size in sizes]
    assert len(chunks_of(stream)) == sum(len(chunks) for chunks in heads)
    assert read(stream, CLIENT_FRAMING) == [
        RawMessage(1, UNDEFINED + n, payload_of(size)) for n, size in enumerate(sizes)
    ]


# Streams of any kind


@given(framing=framings, stream=broken_streams, data=st.data())
@settings(deadline=None, max_examples=400)
def test_where_reads_are_cut_makes_no_difference(framing, stream, data):
    codec = Codec(max_message=30)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    edges = [0, *cuts, len(stream)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(edges)]
    whole = feed(chunk_reader(framing, codec), [stream])
    assert feed(chunk_reader(framing, codec), pieces) == whole
    assert feed(chunk_reader(framing, codec), byte_by_byte(stream)) == whole


@given(framing=framings, stream=broken_streams)
@settings(deadline=None, max_examples=400)
def test_a_reader_takes_no_byte_that_has_not_come(framing, stream):
    reader = chunk_reader(framing, Codec(max_message=30))
    outcome = feed(reader, [stream])
    assert reader.offset <= len(stream)
    taken = sum(
        28 + len(event.payload) for event in outcome.events if type(event) is RawMessage
    )
    assert taken <= reader.offset
    if outcome.error is None:
        assert len(stream) - reader.offset < 8
        come = reader.assembling
        assert come is None or 0 <= come.received < come.size


@given(
    messages=st.lists(
        st.tuples(
            st.sampled_from([1, 2]), st.integers(17, 2**32 - 1), st.binary(max_size=99)
        ),
        max_size=6,
    ),
    order=st.randoms(use_true_random=False),
    per_chunk=st.integers(1, 60),
)
@settings(deadline=None, max_examples=200)
def test_messages_of_both_ports_in_any_order_of_chunks(messages, order, per_chunk):
    waiting = {1: [], 2: []}
    for port, number, payload in messages:
        pieces = in_pieces(message(number, payload), per_chunk)
        waiting[port] += [chunk(piece, port) for piece in pieces]
    stream = b""
    while any(waiting.values()):
        port = order.choice([port for port in waiting if waiting[port]])
        stream += waiting[port].pop(0)
    for framing in (CLIENT_FRAMING, GUEST_FRAMING):
        events = read(stream, framing)
        for port in (1, 2):
            came = [event for event in events if event.port == port]
            assert came == [RawMessage(*m) for m in messages if m[0] == port]
