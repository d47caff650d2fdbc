"""Full chunks in a row, which a reader takes at once where nothing stands between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.decoding import chunk, chunk_reader, each_framing, message, raw
from tests.wire.feeding import FOLLOWING, Outcome, feed
from tests.wire.reading import CLIPBOARD, REPLY, in_pieces, read, refuse
from vdproxy.wire.chunk import CLIENT_FRAMING, GUEST_FRAMING, ChunkHeader

FULL = 2048
PAYLOAD = bytes(range(251)) * 800
BODIES = in_pieces(message(CLIPBOARD, PAYLOAD), FULL)
CHUNKS = [chunk(body) for body in BODIES]

PLACES = [1, 2, 3, 63, 64, 65, 66, 97]

each_place = pytest.mark.parametrize("place", PLACES)


def with_between(place, between):
    return b"".join([*CHUNKS[:place], between, *CHUNKS[place:]])


def test_the_chunks_are_more_than_are_taken_at_once():
    assert len(CHUNKS) == 99
    assert len(BODIES[-1]) < FULL


@each_framing
@pytest.mark.parametrize("size", [1, 7, 2055, 2056, 2057, 5000, 65536, 10**6])
def test_a_run_may_end_anywhere_in_a_read(framing, size):
    pieces = in_pieces(b"".join(CHUNKS) + FOLLOWING, size)
    outcome = feed(chunk_reader(framing), pieces)
    assert outcome == Outcome([raw(CLIPBOARD, PAYLOAD), REPLY])


@each_framing
@each_place
def test_another_ports_message_may_stand_in_a_run(framing, place):
    other = chunk(message(3, REPLY.payload), 2)
    assert read(with_between(place, other), framing) == [
        REPLY._replace(port=2),
        raw(CLIPBOARD, PAYLOAD),
    ]


@each_framing
@each_place
def test_a_full_chunk_of_another_ports_message_may_stand_in_a_run(framing, place):
    other = bytes(FULL - 20)
    stream = with_between(place, chunk(message(CLIPBOARD, other), 2))
    assert read(stream, framing) == [
        raw(CLIPBOARD, other, port=2),
        raw(CLIPBOARD, PAYLOAD),
    ]


@each_framing
@each_place
def test_chunks_in_a_run_may_be_smaller(framing, place):
    halves = [chunk(half) for half in in_pieces(BODIES[place], 1000)]
    stream = b"".join([*CHUNKS[:place], *halves, *CHUNKS[place + 1 :]])
    assert read(stream, framing) == [raw(CLIPBOARD, PAYLOAD)]


@each_framing
@each_place
def test_a_wrong_port_in_a_run_is_found_where_it_stands(framing, place):
    wrong = chunk(BODIES[place], 3)
    at = sum(map(len, CHUNKS[:place]))
    assert refuse(with_between(place, wrong), framing) == (
        "chunk for port 3, which does not exist",
        at,
    )


@each_place
def test_a_chunk_in_a_run_that_is_too_large_is_found_where_it_stands(place):
    wrong = chunk(bytes(FULL + 1))
    at = sum(map(len, CHUNKS[:place]))
    said = refuse(with_between(place, wrong), CLIENT_FRAMING)
    assert said == ("chunk of 2049 bytes, more than 2048", at)


@each_framing
def test_a_run_that_goes_on_beyond_its_message_is_found_where_it_does(framing):
    left = len(BODIES[-1])
    stream = b"".join([*CHUNKS[:-1], chunk(bytes(FULL)), chunk(bytes(FULL))])
    assert refuse(stream, framing) == (
        f"chunk of 2048 bytes where its message has {left} left",
        sum(map(len, CHUNKS[:-1])),
    )


def test_a_run_on_port_0_of_a_guest_is_on_port_1():
    stream = b"".join(chunk(body, port=0) for body in BODIES)
    assert read(stream, GUEST_FRAMING) == [raw(CLIPBOARD, PAYLOAD)]


@each_framing
def test_each_chunk_of_a_run_is_told_where_asked_for(framing):
    events = read(b"".join(CHUNKS), framing, report_chunks=True)
    assert events == [
        *[ChunkHeader(1, len(body)) for body in BODIES],
        raw(CLIPBOARD, PAYLOAD),
    ]


@given(
    place=st.integers(1, 12),
    at=st.integers(0, 7),
    byte=st.integers(0, 255),
    framing=st.sampled_from([CLIENT_FRAMING, GUEST_FRAMING]),
)
def test_a_header_in_a_run_means_what_it_means_alone(place, at, byte, framing):
    stream = bytearray(b"".join(CHUNKS[:14]))
    stream[place * (FULL + 8) + at] = byte
    whole = feed(chunk_reader(framing), [bytes(stream)])
    # No two headers come in one read.
    assert feed(chunk_reader(framing), in_pieces(bytes(stream), 1000)) == whole
