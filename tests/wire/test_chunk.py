from __future__ import annotations

import struct

import pytest

from tests.wire.decoding import (
    chunk,
    chunk_reader,
    each_framing,
    frame,
    message,
    raw,
)
from tests.wire.feeding import (
    FOLLOWING,
    Outcome,
    byte_by_byte,
    feed,
)
from tests.wire.reading import (
    CLIPBOARD,
    FILE_DATA,
    REPLY,
    UNDEFINED,
    each_port,
    in_pieces,
    read,
    refuse,
)
from vdproxy.wire.assembly import Assembling
from vdproxy.wire.chunk import (
    CLIENT_FRAMING,
    GUEST_FRAMING,
    ChunkHeader,
    RawMessage,
    SkippedMessage,
)
from vdproxy.wire.codec import Codec


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
    """H35."""
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
        raw(CLIPBOARD, first),
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
    assert read(stream, framing) == [REPLY, raw(CLIPBOARD, b"x" * 60, port=2)]


@each_framing
def test_a_whole_message_in_a_chunk_of_another_is_content(framing):
    pieces = [b"begin", message(3, REPLY.payload), b"end"]
    stream = chunk(message(CLIPBOARD, pieces[0], size=36)) + b"".join(
        map(chunk, pieces[1:])
    )
    assert read(stream, framing) == [raw(CLIPBOARD, b"".join(pieces))]


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
    assert read(chunk(message(CLIPBOARD, payload))) == [raw(CLIPBOARD, payload)]


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
    assert read(chunk(message(number, fits)), codec=codec) == [raw(number, fits)]
    assert read(chunk(message(number, over)), codec=codec) == [
        SkippedMessage(1, number, most + 1)
    ]
    assert read(frame(number, fits), CLIENT_FRAMING, codec) == [raw(number, fits)]
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
