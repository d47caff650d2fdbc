from __future__ import annotations

import struct

import pytest

from tests.wire.decoding import (
    each_framing,
    raw,
)
from tests.wire.feeding import (
    FOLLOWING,
)
from tests.wire.reading import (
    CLIPBOARD,
    REPLY,
    UNDEFINED,
    each_port,
    read,
    traced,
)
from vdproxy.wire.chunk import (
    CLIENT_FRAMING,
    CutMessage,
    RawMessage,
)


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
    2**18 - 20,
    2**18 - 19,
    300_000,
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
def test_a_message_is_written_in_128_kib_at_most_of_whole_chunks(size):
    writes = list(CutMessage(CLIPBOARD, payload_of(size)))
    assert len(writes) == -(-(size + 20) // 2**17)
    for write in writes:
        assert sum(len(body) for _, body in chunks_of(write)) <= 2**17


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
    assert read(stream, framing) == [raw(CLIPBOARD, payload, port=2)]


def test_no_chunk_holds_parts_of_two_messages():
    """H3."""
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


#: Beginnings as bulk types have them, and some that fill their chunk and more.
HEADS = [*range(13), 2027, 2028, 2029, 4000, 6200]


@pytest.mark.parametrize("size", [*EDGES, 2028 + 2 * 2048, 2028 + 2 * 2048 + 1])
@each_port
def test_a_payload_in_two_parts_is_cut_like_one(size, port):
    payload = payload_of(size)
    whole = CutMessage(CLIPBOARD, payload, port)
    for head in HEADS:
        parts = CutMessage(CLIPBOARD, payload[:head], port, payload[head:])
        assert list(parts) == list(whole), f"with {head} bytes in front"
        assert parts.size == whole.size
        assert parts.payload_size == whole.payload_size == size
        assert parts.fits_one_chunk is whole.fits_one_chunk is (size <= 2028)


def test_a_message_fits_one_chunk_exactly_if_it_is_cut_into_one():
    for size in range(1990, 2090):
        cut = CutMessage(CLIPBOARD, payload_of(4), 1, payload_of(size - 4))
        assert cut.fits_one_chunk == (len(chunks_of(b"".join(cut))) == 1)


@pytest.mark.parametrize("head", [0, 4, 8, 12])
def test_data_are_not_copied_but_for_the_write_that_has_its_turn(head):
    data = payload_of(4 * 1024 * 1024)
    cut = CutMessage(CLIPBOARD, bytes(head), 1, data)
    assert cut.data is data
    with traced() as memory:
        written = sum(len(write) for write in cut)
        _, peak = memory()
    assert written == cut.size
    assert peak < 600_000


@pytest.mark.parametrize("size", [0, 2028, 2029, 131_051, 131_052, 131_053, 300_000])
@pytest.mark.parametrize("offset", [0, 12])
def test_a_message_of_one_write_is_given_at_once(size, offset):
    message = CutMessage(
        CLIPBOARD, bytes(min(offset, size)), 1, bytes(max(0, size - offset))
    )
    assert message.fits_one_write == (len(list(message)) == 1)
