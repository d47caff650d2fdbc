from __future__ import annotations

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
    Outcome,
    feed,
)
from tests.wire.reading import (
    CLIPBOARD,
    in_pieces,
    traced,
)
from vdproxy.wire.assembly import Assembling
from vdproxy.wire.chunk import (
    GUEST_FRAMING,
    CutMessage,
    RawMessage,
    SkippedMessage,
)
from vdproxy.wire.codec import Codec


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
    assert feed(reader, [stream[start + piece :]]).events == [raw(CLIPBOARD, payload)]


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
    assert feed(reader, [stream[-9:]]).events == [raw(CLIPBOARD, payload)]


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
        assert event == raw(CLIPBOARD, bytes(4_000_000))
        del event
        held, _ = memory()
    assert held < 16 * 1024


@each_framing
@pytest.mark.parametrize("size", [64 * 1024, 1024 * 1024])
def test_of_a_large_message_there_is_one_from_its_first_byte_to_its_last(framing, size):
    """Small ones are there twice for a moment, when they are joined at their end."""
    cut = CutMessage(CLIPBOARD, bytes(8), data=bytes(24_000_000))
    reader, pending = chunk_reader(framing), b""
    with traced() as memory:
        for write in cut:
            pending += write
            if len(pending) >= size:
                reader.receive_data(pending)
                assert reader.next_event() is None
                pending = b""
        reader.receive_data(pending)
        event = reader.next_event()
        _, peak = memory()
    assert event == RawMessage(1, CLIPBOARD, bytes(8), bytes(24_000_000))
    assert peak < 1.25 * 24_000_000 + 3 * size


@each_framing
def test_a_reader_keeps_nothing_of_a_message_it_has_given_out(framing):
    reader = chunk_reader(framing)
    with traced() as memory:
        stream = b"".join(CutMessage(CLIPBOARD, bytes(4_000_000)))
        (event,) = feed(reader, [stream]).events
        assert event.payload_size == 4_000_000
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


@pytest.mark.parametrize("size", [5_000_000, 50_000_000])
def test_what_has_come_of_a_message_is_let_go_when_its_rest_is_skipped(size):
    reader = chunk_reader(GUEST_FRAMING)
    with traced() as memory:
        reader.receive_data(chunk(message(CLIPBOARD, size=size), size=size + 20))
        for _ in range(20):
            reader.receive_data(bytes(200_000))
            assert reader.next_event() is None
        assert reader.held == 4_000_000
        assert reader.skip_rest() == SkippedMessage(1, CLIPBOARD, size)
        held, _ = memory()
    assert reader.held == 0
    assert held < 16 * 1024
